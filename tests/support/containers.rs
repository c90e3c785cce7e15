//! Containers made at run time: no file of this repository holds one, and the formats that no
//! crate writes are put together byte by byte, from their descriptions.

use std::io::Write;

/// How a zip entry is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Stored,
    Deflated,
}

/// A zip archive of these entries.
pub fn zip(entries: &[(&str, &[u8], Packing)]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes, packing) in entries {
        let method = match packing {
            Packing::Stored => rawzip::CompressionMethod::STORE,
            Packing::Deflated => rawzip::CompressionMethod::DEFLATE,
        };
        let new = archive.new_file(*name).compression_method(method);
        let (mut entry, config) = new.start().expect("memory can be written");
        let packed = match packing {
            Packing::Stored => bytes.to_vec(),
            Packing::Deflated => deflate(bytes),
        };
        // The checksum is of what goes through the writer, the data of what goes to the entry.
        let mut sum = config.wrap(std::io::sink());
        sum.write_all(bytes).expect("a sink takes all");
        let (_, descriptor) = sum.finish().expect("a sink takes all");
        entry.write_all(&packed).expect("memory can be written");
        entry.finish(descriptor).expect("memory can be written");
    }
    archive.finish().expect("memory can be written")
}

/// Raw deflate.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// Deflate with zlib's frame.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// A gzip stream; with an empty name, without one.
pub fn gzip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = flate2::GzBuilder::new();
    if !name.is_empty() {
        builder = builder.filename(name);
    }
    let mut encoder = builder.write(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let level = bzip2::Compression::fast();
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("a known preset");
    writer.write_all(bytes).expect("memory can be written");
    writer.finish().expect("memory can be written")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    ruzstd::encoding::compress_to_vec(bytes, level)
}

/// A GNU tar archive.
pub fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, *bytes)
            .expect("memory can be written");
    }
    builder.into_inner().expect("memory can be written")
}

/// An ar archive; names longer than 15 bytes go into GNU's table.
pub fn ar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    let mut member = |name: &str, bytes: &[u8]| {
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}", 0, 0, 0, 100_644);
        archive.extend(header.as_bytes());
        archive.extend(format!("{:<10}`\n", bytes.len()).as_bytes());
        archive.extend(bytes);
        archive.extend(&b"\n"[..bytes.len() % 2]);
    };
    let long = entries.iter().filter(|(name, _)| name.len() > 15);
    let table: String = long.flat_map(|(name, _)| [name, "/\n"]).collect();
    if !table.is_empty() {
        member("//", table.as_bytes());
    }
    for (name, bytes) in entries {
        if name.len() > 15 {
            let at = table.find(&format!("{name}/\n")).expect("was put there");
            member(&format!("/{at}"), bytes);
        } else {
            member(&format!("{name}/"), bytes);
        }
    }
    archive
}

/// A PDF whose pages, compressed, show these lines.
pub fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let mut document = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (index, lines) in pages.iter().enumerate() {
        let mut page = b"BT /F1 12 Tf 72 720 Td\n".to_vec();
        for line in *lines {
            let escaped = line
                .replace('\\', "\\\\")
                .replace('(', "\\(")
                .replace(')', "\\)");
            // In two strings, pushed together a little, as typesetters do.
            let (first, second) = line_halves(&escaped);
            page.extend(format!("[({first}) -20 ({second})] TJ 0 -14 Td\n").as_bytes());
        }
        page.extend(b"ET\n");
        let packed = zlib(&page);
        let head = format!(
            "{} 0 obj\n<< /Filter /FlateDecode /Length {} >>\nstream\n",
            index + 4,
            packed.len()
        );
        document.extend(head.as_bytes());
        document.extend(packed);
        document.extend(b"\nendstream\nendobj\n");
    }
    document.extend(b"trailer\n<< /Size 9 >>\n%%EOF\n");
    document
}

fn line_halves(line: &str) -> (&str, &str) {
    let half = line.len() / 2;
    let at = (half..line.len())
        .find(|at| line.is_char_boundary(*at) && !line[..*at].ends_with('\\'))
        .unwrap_or(line.len());
    line.split_at(at)
}

/// A Java class with one `static final String` and one more constant.
pub fn class(name: &str, value: &str, other: &str) -> Vec<u8> {
    let mut pool = Vec::new();
    let mut utf8 = |text: &str| {
        pool.push(1);
        pool.extend((text.len() as u16).to_be_bytes());
        pool.extend(text.as_bytes());
    };
    utf8("Example"); // 1
    utf8(name); // 2
    utf8("Ljava/lang/String;"); // 3
    utf8("ConstantValue"); // 4
    utf8(value); // 5
    utf8(other); // 6
    pool.extend([8, 0, 5]); // 7: the value
    pool.extend([8, 0, 6]); // 8: the other one
    pool.extend([7, 0, 1]); // 9: the class
    pool.extend([5, 0, 0, 0, 0, 0, 0, 0, 1]); // 10 and 11: a long
    let mut class = b"\xca\xfe\xba\xbe\0\0\0\x3d\0\x0c".to_vec();
    class.extend(pool);
    class.extend([0, 0x21, 0, 9, 0, 0, 0, 0]); // access, class, no parent, no interfaces
    class.extend([0, 1, 0, 0x19, 0, 2, 0, 3, 0, 1]); // one field with one attribute
    class.extend([0, 4, 0, 0, 0, 2, 0, 7]);
    class.extend([0, 0, 0, 0]); // no methods, no attributes
    class
}

/// A module compiled by Python 3.8, with `name = value` and one function that holds `other`.
pub fn pyc(name: &str, value: &str, other: &str) -> Vec<u8> {
    let string = |text: &str| [b"\xda", &[text.len() as u8][..], text.as_bytes()].concat();
    let bytes = |bytes: &[u8]| [b"s", &(bytes.len() as u32).to_le_bytes()[..], bytes].concat();
    let tuple = |items: &[Vec<u8>]| {
        let mut out = vec![b')', items.len() as u8];
        out.extend(items.concat());
        out
    };
    let code = |code: &[u8], constants: Vec<u8>, names: Vec<u8>| {
        let mut out = b"\xe3".to_vec();
        out.extend([0; 24]);
        out.extend(bytes(code));
        out.extend(constants);
        out.extend(names);
        for _ in 0..3 {
            out.extend(tuple(&[]));
        }
        out.extend(string("example.py"));
        out.extend(string("<module>"));
        out.extend(1_u32.to_le_bytes());
        out.extend(bytes(b""));
        out
    };
    let inner = code(&[100, 0, 83, 0], tuple(&[string(other)]), tuple(&[]));
    let module = code(
        &[100, 0, 90, 0, 100, 1, 83, 0],
        tuple(&[string(value), b"N".to_vec(), inner]),
        tuple(&[string(name)]),
    );
    let mut file = b"\x55\x0d\r\n".to_vec();
    file.extend([0; 12]);
    file.extend(module);
    file
}

/// A Jupyter notebook of these code cells.
pub fn notebook(cells: &[&str]) -> Vec<u8> {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            let lines: Vec<String> = cell
                .split_inclusive('\n')
                .map(|line| serde_json::to_string(line).expect("a string"))
                .collect();
            format!(
                "  {{\n   \"cell_type\": \"code\",\n   \"metadata\": {{}},\n   \"outputs\": [],\n   \
                 \"source\": [\n    {}\n   ]\n  }}",
                lines.join(",\n    ")
            )
        })
        .collect();
    let cells = cells.join(",\n");
    format!("{{\n \"cells\": [\n{cells}\n ],\n \"metadata\": {{}},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}\n")
        .into_bytes()
}

/// An SQLite database of one table with text columns, in pages of 512 bytes: long values go to
/// overflow pages, and many rows to leaves under an inner page.
pub fn sqlite(table: &str, columns: &[&str], rows: &[Vec<&str>]) -> Vec<u8> {
    let mut pages = Pages::default();
    let root = pages.reserve(); // the schema's own
    assert_eq!(root, 1);
    let table_root = pages.reserve();
    let mut leaves = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let values: Vec<&[u8]> = row.iter().map(|v| v.as_bytes()).collect();
        let cell = pages.cell(index as u64 + 1, &record(&values));
        // One row a leaf is enough to have many leaves.
        let leaf = pages.reserve();
        pages.put(leaf, 0, 0x0d, &[cell], None);
        leaves.push((leaf, index as u64 + 1));
    }
    let children: Vec<Vec<u8>> = leaves
        .iter()
        .map(|(leaf, key)| [leaf.to_be_bytes().to_vec(), varint(*key)].concat())
        .collect();
    let (last, before) = leaves.split_last().expect("at least one row");
    pages.put(table_root, 0, 0x05, &children[..before.len()], Some(last.0));
    let sql = format!("CREATE TABLE {table} ({})", columns.join(" TEXT, "));
    let number = [table_root as u8];
    let schema = record_with_number(
        &[b"table", table.as_bytes(), table.as_bytes()],
        number,
        sql.as_bytes(),
    );
    let cell = pages.cell(1, &schema);
    pages.put(1, 100, 0x0d, &[cell], None);
    let mut file = pages.0.concat();
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&512_u16.to_be_bytes());
    file[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    file[59] = 1;
    file
}

#[derive(Default)]
struct Pages(Vec<[u8; 512]>);

impl Pages {
    fn reserve(&mut self) -> u32 {
        self.0.push([0; 512]);
        self.0.len() as u32
    }

    /// A leaf's cell; what does not fit goes to overflow pages.
    fn cell(&mut self, key: u64, payload: &[u8]) -> Vec<u8> {
        let (usable, len) = (512, payload.len());
        let (x, m) = (usable - 35, (usable - 12) * 32 / 255 - 23);
        let k = m + len.saturating_sub(m) % (usable - 4);
        let local = if len <= x {
            len
        } else if k <= x {
            k
        } else {
            m
        };
        let mut cell = [varint(len as u64), varint(key), payload[..local].to_vec()].concat();
        let mut rest = &payload[local..];
        let mut pointer = None;
        while !rest.is_empty() {
            let page = self.reserve();
            match pointer {
                None => cell.extend(page.to_be_bytes()),
                Some(before) => {
                    let before: &mut [u8; 512] = &mut self.0[before];
                    before[..4].copy_from_slice(&page.to_be_bytes());
                }
            }
            let piece = rest.len().min(usable - 4);
            let at = page as usize - 1;
            self.0[at][4..4 + piece].copy_from_slice(&rest[..piece]);
            rest = &rest[piece..];
            pointer = Some(at);
        }
        cell
    }

    fn put(&mut self, page: u32, start: usize, kind: u8, cells: &[Vec<u8>], last: Option<u32>) {
        let page = &mut self.0[page as usize - 1];
        page[start] = kind;
        page[start + 3..start + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
        let mut pointers = start + 8;
        if let Some(last) = last {
            page[pointers..pointers + 4].copy_from_slice(&last.to_be_bytes());
            pointers += 4;
        }
        let mut end = 512;
        for (index, cell) in cells.iter().enumerate() {
            end -= cell.len();
            page[end..end + cell.len()].copy_from_slice(cell);
            let at = pointers + 2 * index;
            page[at..at + 2].copy_from_slice(&(end as u16).to_be_bytes());
        }
        assert!(pointers + 2 * cells.len() <= end, "the cells fit");
    }
}

fn record(values: &[&[u8]]) -> Vec<u8> {
    let types: Vec<u8> = values
        .iter()
        .flat_map(|v| varint(v.len() as u64 * 2 + 13))
        .collect();
    [vec![types.len() as u8 + 1], types, values.concat()].concat()
}

fn record_with_number(before: &[&[u8]], number: [u8; 1], after: &[u8]) -> Vec<u8> {
    let text = |v: &&[u8]| varint(v.len() as u64 * 2 + 13);
    let mut types: Vec<u8> = before.iter().flat_map(text).collect();
    types.push(1);
    types.extend(text(&after));
    let header = vec![types.len() as u8 + 1];
    [
        header,
        types,
        before.concat(),
        number.to_vec(),
        after.to_vec(),
    ]
    .concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    while value >= 0x80 {
        value >>= 7;
        bytes.insert(0, (value & 0x7f) as u8 | 0x80);
    }
    bytes
}
