//! Writes small PDFs, sound and unsound ones.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A PDF under construction. Its catalog is object 1, its page tree object 2, its font object 3.
pub struct PdfWriter {
    objects: Vec<Vec<u8>>,
    pages: Vec<usize>,
    /// Added to the trailer.
    pub trailer: String,
}

/// A document without pages.
impl Default for PdfWriter {
    fn default() -> Self {
        let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
        let objects = vec![b"<</Type/Catalog/Pages 2 0 R>>".to_vec(), Vec::new(), font.into()];
        Self { objects, pages: Vec::new(), trailer: String::new() }
    }
}

impl PdfWriter {
    /// A document whose pages show these lines.
    #[must_use]
    pub fn of_pages<'a>(pages: impl IntoIterator<Item = &'a [&'a str]>) -> Self {
        let mut pdf = Self::default();
        for lines in pages {
            let shown: String = lines.iter().map(|line| format!("({line}) Tj T*\n")).collect();
            pdf.page(&format!("BT /F 10 Tf 12 TL 50 700 Td\n{shown}ET"));
        }
        pdf
    }

    /// Adds an object and gives its number.
    pub fn object(&mut self, body: impl Into<Vec<u8>>) -> usize {
        self.objects.push(body.into());
        self.objects.len()
    }

    /// Adds a stream and gives its number.
    pub fn stream(&mut self, entries: &str, bytes: &[u8]) -> usize {
        let mut body = format!("<<{entries}/Length {}>>\nstream\n", bytes.len()).into_bytes();
        body.extend(bytes);
        body.extend(b"\nendstream");
        self.object(body)
    }

    /// Adds a page that is drawn so.
    pub fn page(&mut self, content: &str) {
        let content = self.stream("", content.as_bytes());
        self.page_of(content, "");
    }

    /// Adds a page whose content is this object. `entries` are added to its resources.
    pub fn page_of(&mut self, content: usize, entries: &str) {
        let page = self.object(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {content} 0 R\
             /Resources<</Font<</F 3 0 R>>{entries}>>>>"
        ));
        self.pages.push(page);
    }

    /// Makes another object of this one.
    pub fn replace(&mut self, number: usize, body: &str) {
        self.objects[number - 1] = body.into();
    }

    /// The file.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.objects[1].is_empty() {
            let kids: String = self.pages.iter().map(|page| format!("{page} 0 R ")).collect();
            let count = self.pages.len();
            self.objects[1] = format!("<</Type/Pages/Kids[{kids}]/Count {count}>>").into_bytes();
        }
        let mut file = b"%PDF-1.7\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (number, body) in (1..).zip(&self.objects) {
            table += &format!("{:010} 00000 n \n", file.len());
            file.extend(format!("{number} 0 obj\n").into_bytes());
            file.extend(body);
            file.extend(b"\nendobj\n");
        }
        let (start, size) = (file.len(), self.objects.len() + 1);
        let trailer = self.trailer;
        let end = format!(
            "{table}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF\n"
        );
        file.extend(end.into_bytes());
        file
    }
}

/// Deflates.
///
/// # Panics
/// Never: memory takes everything.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
