/// The key by which companies' names are compared: "3M", "3M Company" and "3m" are one.
///
/// Lower case, punctuation dropped (an ampersand reads "and"), white space folded, and legal forms
/// dropped from the end while something is left. An empty name has an empty key.
#[must_use]
pub fn company_key(name: &str) -> String {
    const LEGAL_FORMS: [&str; 27] = [
        "ab",
        "ag",
        "as",
        "asa",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "group",
        "holding",
        "holdings",
        "inc",
        "incorporated",
        "kg",
        "limited",
        "llc",
        "llp",
        "lp",
        "ltd",
        "nv",
        "oyj",
        "plc",
        "sa",
        "se",
        "spa",
    ];
    let mut spaced = String::with_capacity(name.len());
    for c in name.to_lowercase().chars() {
        match c {
            '&' => spaced.push_str(" and "),
            '.' | '\'' | '’' => {}
            c if c.is_alphanumeric() => spaced.push(c),
            _ => spaced.push(' '),
        }
    }
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    if words.len() > 1 && words[0] == "the" {
        words.remove(0);
    }
    while words.len() > 1
        && words.last().is_some_and(|word| LEGAL_FORMS.contains(word) || *word == "and")
    {
        words.pop();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::company_key;

    #[test]
    fn spellings_of_one_company_have_one_key() {
        for (spellings, key) in [
            (&["3M", "3m", "3M Company", "3M Co."][..], "3m"),
            (&["Best Buy", "BEST BUY CO., INC.", "best  buy"], "best buy"),
            (&["Johnson & Johnson", "Johnson and Johnson"], "johnson and johnson"),
            (&["The Coca-Cola Company", "Coca Cola"], "coca cola"),
            (&["McDonald's Corp", "McDonald’s"], "mcdonalds"),
            (&["Nestlé S.A.", "NESTLÉ"], "nestlé"),
            (&["Company", "The Company"], "company"),
            (&["Tiffany & Co.", "Tiffany"], "tiffany"),
        ] {
            for spelling in spellings {
                assert_eq!(company_key(spelling), key, "{spelling:?}");
            }
        }
    }
}
