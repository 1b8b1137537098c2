//! Any PDF is read, or refused with its reason.

use adapter_retrieval::read;
use contracts::limits::DOCUMENT_PAGES_MAX;
use engine::ports::{MediaType, ReadDocument, ReadError};
use proptest::prelude::{any, prop, proptest};
use testkit::pdf::{PdfWriter, deflate};

fn read_pdf(bytes: &[u8]) -> Result<ReadDocument, ReadError> {
    read(bytes, MediaType::Pdf)
}

/// What is wrong with it.
fn reason(bytes: &[u8]) -> String {
    match read_pdf(bytes) {
        Err(ReadError::Malformed { expected, reason }) if expected == "PDF" => reason,
        other => panic!("{other:?}"),
    }
}

/// The texts of the passages with their pages.
fn texts(bytes: &[u8]) -> Vec<(Option<u32>, String)> {
    let read = read_pdf(bytes).unwrap();
    read.passages.into_iter().map(|passage| (passage.page, passage.text)).collect()
}

const REPORT: [&[&str]; 3] =
    [&["Annual report", "of Acme"], &[], &["Net sales in 2018 were 32,765 million."]];

#[test]
fn pages_keep_their_numbers_the_empty_ones_too() {
    let file = PdfWriter::of_pages(REPORT).finish();
    assert_eq!(read_pdf(&file).unwrap().pages, Some(3));
    assert_eq!(
        texts(&file),
        [
            (Some(1), "Annual report\nof Acme".to_owned()),
            (Some(3), "Net sales in 2018 were 32,765 million.".to_owned()),
        ]
    );
}

#[test]
fn a_page_that_cannot_be_unpacked_is_empty_and_the_others_are_read() {
    let mut pdf = PdfWriter::of_pages([REPORT[0]]);
    let damaged = pdf.stream("/Filter/FlateDecode", b"\x78\x9c this was never deflated");
    pdf.page_of(damaged, "");
    pdf.page("BT /F 10 Tf 50 700 Td (Read) Tj ET");
    let pages: Vec<Option<u32>> = texts(&pdf.finish()).into_iter().map(|(page, _)| page).collect();
    assert_eq!(pages, [Some(1), Some(3)]);
}

#[test]
fn what_is_no_pdf_is_refused() {
    for bytes in [&b""[..], b"MZ\x90\0\x03\0\0\0", b"\x7fELF\x02\x01\x01\0", b"%!PS-Adobe-3.0\n"] {
        assert_eq!(reason(bytes), "it does not begin as a PDF does");
    }
    let late = [vec![b' '; 2_000], PdfWriter::of_pages(REPORT).finish()].concat();
    assert_eq!(reason(&late), "it does not begin as a PDF does");
}

#[test]
fn a_file_that_is_cut_short_is_refused_wherever_it_is_cut() {
    let lines = ["Purchases of property, plant and equipment 1,577 1,373"; 50];
    let file = PdfWriter::of_pages([&lines[..]; 40]).finish();
    assert_eq!(read_pdf(&file).unwrap().pages, Some(40));
    for tenth in 1..10 {
        let cut = &file[..file.len() * tenth / 10];
        assert_eq!(reason(cut), "it ends early: the table of its objects is missing");
    }
}

#[test]
fn a_file_that_needs_a_password_says_so() {
    let mut pdf = PdfWriter::of_pages(REPORT);
    let key = "00".repeat(32);
    let dictionary = format!("<</Filter/Standard/V 1/R 2/O<{key}>/U<{key}>/P -4>>");
    let number = pdf.object(dictionary);
    pdf.trailer = format!("/Encrypt {number} 0 R/ID[<01><01>]");
    assert_eq!(read_pdf(&pdf.finish()), Err(ReadError::Encrypted));
}

#[test]
fn pages_without_text_are_said_to_have_none() {
    let mut pdf = PdfWriter::default();
    pdf.page("0 0 m 100 100 l S");
    pdf.page("BT /F 10 Tf 50 700 Td ( ) Tj ET");
    assert_eq!(read_pdf(&pdf.finish()), Err(ReadError::NoText));
}

#[test]
fn too_many_pages_are_refused() {
    let file = PdfWriter::of_pages([REPORT[0]; 3_000]).finish();
    let refused = ReadError::TooManyPages { pages: 3_000, max: DOCUMENT_PAGES_MAX };
    assert_eq!(read_pdf(&file), Err(refused));
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let mut pdf = PdfWriter::of_pages(REPORT);
    let bomb = deflate(&vec![b' '; 100 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    let bomb = pdf.stream("/Filter/FlateDecode", &bomb);
    pdf.page_of(bomb, "");
    let refused = ReadError::TooMuchMemory { max_bytes: 64 * 1024 * 1024 };
    assert_eq!(read_pdf(&pdf.finish()), Err(refused));
}

#[test]
fn a_page_tree_without_its_pages_is_refused() {
    let mut missing = PdfWriter::of_pages(REPORT);
    missing.replace(2, "<</Type/Pages/Kids[5 0 R 99 0 R 7 0 R]/Count 3>>");
    assert_eq!(reason(&missing.finish()), "it names 3 pages, and 2 of them are there");
    let mut none = PdfWriter::of_pages(REPORT);
    none.replace(2, "<</Type/Pages>>");
    assert_eq!(reason(&none.finish()), "it has no page tree");
    let mut own = PdfWriter::of_pages(REPORT);
    own.replace(2, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>");
    reason(&own.finish());
}

#[test]
fn a_form_that_draws_itself_ends() {
    let mut pdf = PdfWriter::default();
    let own = "/Subtype/Form/BBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>/XObject<</X 4 0 R>>>>";
    pdf.stream(own, b"BT /F 10 Tf 50 700 Td (Once) Tj ET /X Do");
    let content = pdf.stream("", b"/X Do");
    pdf.page_of(content, "/XObject<</X 4 0 R>>");
    assert_eq!(texts(&pdf.finish()), [(Some(1), "Once".to_owned())]);
}

#[test]
fn forms_that_draw_each_other_many_times_are_refused() {
    let mut pdf = PdfWriter::default();
    // Each of 10 forms draws the next one 30 times.
    for next in 5..15 {
        let entries = format!("/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {next} 0 R>>>>");
        pdf.stream(&entries, "/X Do ".repeat(30).as_bytes());
    }
    let content = pdf.stream("", b"/X Do");
    pdf.page_of(content, "/XObject<</X 4 0 R>>");
    assert_eq!(reason(&pdf.finish()), "a page repeats its drawing instructions without end");
}

#[test]
fn a_page_of_very_many_characters_is_read_in_part() {
    let mut pdf = PdfWriter::default();
    // One character beside the other, all within the sheet.
    let line = format!("({}) Tj 1 0 0 1 50 700 Tm ", "ab".repeat(500));
    pdf.page(&format!("BT /F 1 Tf 50 Tz 1 0 0 1 50 700 Tm {}ET", line.repeat(300)));
    pdf.page("BT /F 10 Tf 50 700 Td (After) Tj ET");
    let texts = texts(&pdf.finish());
    assert_eq!(texts.last(), Some(&(Some(2), "After".to_owned())));
}

proptest! {
    #[test]
    fn any_bytes_after_the_header_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let whole = [b"%PDF-1.7\n", &bytes[..], b"\nstartxref\n9\n%%EOF"].concat();
        let _ = read_pdf(&whole);
    }

    #[test]
    fn a_sound_file_with_damage_is_read_or_refused(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut file = PdfWriter::of_pages(REPORT).finish();
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let _ = read_pdf(&file);
    }
}
