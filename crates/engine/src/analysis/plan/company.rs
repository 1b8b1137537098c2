//! Companies as questions name them.

use super::wording::words;
use super::{Plan, Term};
use crate::company_key;

/// Whether a question names a company: by its name without legal form, written as one word or as
/// several, or by a short form of several words, as "AMEX" and "JnJ" are.
#[must_use]
pub fn names_company(question: &str, company: &str) -> bool {
    let name = company_key(company);
    let key: Vec<&str> = name.split(' ').collect();
    let of_name: Vec<&str> = key.iter().copied().filter(|word| *word != "and").collect();
    let words = words(question);
    let of_question: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| *word != "and").collect();
    !name.is_empty()
        && (of_question.windows(of_name.len().max(1)).any(|window| window == of_name)
            || words.iter().any(|word| is_whole_name(word, &key)))
}

impl Plan {
    /// The plan without the words of a company's name, for a search within that company: there
    /// they tell nothing apart.
    #[must_use]
    pub fn without_company(&self, company: &str) -> Self {
        let name = company_key(company);
        let key: Vec<&str> = name.split(' ').collect();
        let is_name = |term: &Term| term.phrases.iter().all(|phrase| is_of_name(phrase, &key));
        let mut plan = self.clone();
        plan.terms.retain(|term| !is_name(term));
        if let Some(own) = plan.queries.first_mut() {
            let words = own.text.split(' ').filter(|word| !is_of_name(word, &key));
            let words = words.collect::<Vec<_>>().join(" ");
            // A question of the name alone is still searched.
            if !words.is_empty() {
                own.text = words;
            }
        }
        plan
    }
}

/// Marks the company's own name, and a short form of it: it is no term.
pub(super) fn own_name_taken(words: &[String], own_name: &[String], taken: &mut [bool]) {
    let key = company_key(&own_name.join(" "));
    let key: Vec<&str> = key.split(' ').collect();
    for (word, taken) in words.iter().zip(taken) {
        *taken |= is_of_name(word, &key);
    }
}

fn is_of_name(word: &str, key: &[&str]) -> bool {
    key.contains(&word) || is_whole_name(word, key)
}

/// Whether a word stands for the whole name.
fn is_whole_name(word: &str, key: &[&str]) -> bool {
    word == key.concat() || key.len() > 1 && is_short_form(word, key)
}

/// Whether a word is made of the beginnings of a name's words, as "amex" and "jnj" are.
fn is_short_form(word: &str, name: &[&str]) -> bool {
    let Some((first, rest)) = name.split_first() else { return word.is_empty() };
    // "&" is read "and", spoken "n", or left out.
    if *first == "and" && (is_short_form(word, rest) || follows(word, "n", rest)) {
        return true;
    }
    let common = word.char_indices().zip(first.chars()).take_while(|((_, a), b)| a == b);
    let common: Vec<usize> = common.map(|((offset, c), _)| offset + c.len_utf8()).collect();
    common.iter().any(|end| is_short_form(&word[*end..], rest))
}

fn follows(word: &str, beginning: &str, rest: &[&str]) -> bool {
    word.strip_prefix(beginning).is_some_and(|word| is_short_form(word, rest))
}

#[cfg(test)]
mod tests {
    use super::names_company;
    use crate::analysis::plan::plan;

    #[test]
    fn a_question_names_a_company_in_full_or_in_short() {
        for (question, company) in [
            ("What is the FY2018 capital expenditure for 3M?", "3M Company"),
            ("Does AMEX have an improving margin?", "American Express"),
            ("Are JnJ's financials those of a growing company?", "Johnson & Johnson"),
            ("Sales of Johnson & Johnson?", "Johnson & Johnson"),
            ("What is the ROA for Coca Cola?", "The Coca-Cola Company"),
            ("How many stores has BestBuy?", "Best Buy Co., Inc."),
        ] {
            assert!(names_company(question, company), "{company}: {question}");
        }
        for (question, company) in [
            ("What is the best time to buy?", "Best Buy"),
            ("Did cash equivalents drop?", "3M"),
            ("Net sales?", ""),
        ] {
            assert!(!names_company(question, company), "{company}: {question}");
        }
    }

    #[test]
    fn a_plan_without_a_company_is_that_of_a_question_about_it() {
        let question = "How did Acme Widgets' dividends and stores change in 2020?";
        assert_eq!(
            plan("", question).without_company("Acme Widgets"),
            plan("Acme Widgets", question)
        );
        assert!(!plan("", "Acme?").without_company("Acme").queries[0].text.is_empty());
    }
}
