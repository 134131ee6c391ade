//! Which line of a bundle is which line of which source: what stacks need of a source map, and no more.
//!
//! Exists because a whole map is as large as the bundle, and what reads it runs in the handler. The SDK's `stack.js` reads
//! what is written here. It must not know where bundles come from.

use std::{
    iter::Peekable,
    path::{Component, Path, PathBuf},
    str::Bytes,
};

use serde::{Deserialize, Serialize};

/// A source map, version 3: <https://tc39.es/ecma426/>.
#[derive(Deserialize)]
struct Map {
    /// The files, from where the map is.
    sources: Vec<PathBuf>,
    /// Lines end with `;`, places in them with `,`; each place is some numbers of base 64, counted from the place before.
    mappings: String,
}

/// The files, and where their lines are in the bundle. `at` are fours of numbers: from this line and column of the bundle,
/// counted from 0, it is this file's line, and so on, line by line, up to the next four.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Lines {
    files: Vec<String>,
    at: Vec<i64>,
}

impl Lines {
    /// Those of a map that is in a folder; files are named from another one.
    ///
    /// # Errors
    /// When it is no source map.
    pub fn read(map: &str, folder: &Path, from: &Path) -> Result<Self, String> {
        let map: Map = serde_json::from_str(map).map_err(|error| error.to_string())?;
        let named = |source: &PathBuf| plain(&folder.join(source), from);
        let lines = Self { files: map.sources.iter().map(named).collect(), at: Vec::new() };
        lines.places(&map.mappings).ok_or_else(|| "its mappings are no numbers of base 64".into())
    }

    /// As a text in JavaScript that has them in JSON: the engine keeps a text for a tenth of what their numbers would take.
    #[must_use]
    pub fn literal(&self) -> String {
        // Neither paths nor numbers can fail to be written, and JSON is JavaScript.
        serde_json::to_string(self).and_then(|json| serde_json::to_string(&json)).unwrap_or_default()
    }

    /// With all places where the next line of the bundle is not the next line of the file.
    fn places(mut self, mappings: &str) -> Option<Self> {
        let (mut file, mut line) = (0_i64, 0_i64);
        // From where on it goes on line by line: a line of the bundle, a file, and its line.
        let mut run: Option<(i64, i64, i64)> = None;
        for (number, places) in (0_i64..).zip(mappings.split(';')) {
            let mut column = 0_i64;
            for place in places.split(',').filter(|place| !place.is_empty()) {
                let mut numbers = place.bytes().peekable();
                column = column.checked_add(vlq(&mut numbers)?)?;
                if numbers.peek().is_none() {
                    // It is of no file.
                    continue;
                }
                let [in_files, in_lines, in_columns] =
                    [vlq(&mut numbers)?, vlq(&mut numbers)?, vlq(&mut numbers)?];
                file = file.checked_add(in_files)?;
                line = line.checked_add(in_lines)?;
                if column == 0 && [in_files, in_lines, in_columns] == [0; 3] {
                    // What the line before ended with, said again for what stands before the first word.
                    continue;
                }
                let goes_on = run.is_some_and(|(from, same, first)| {
                    same == file && first.checked_add(number - from) == Some(line)
                });
                if !goes_on {
                    self.at.extend([number, column, file, line]);
                    run = Some((number, file, line));
                }
            }
        }
        Some(self)
    }
}

/// A number of base 64: five bits a letter, the least first, the sign the last of all.
fn vlq(letters: &mut Peekable<Bytes<'_>>) -> Option<i64> {
    let (mut value, mut shift) = (0_i64, 0_u32);
    loop {
        let digit = match letters.next()? {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'a'..=b'z' => letter - b'a' + 26,
            letter @ b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        value |= i64::from(digit & 31).checked_shl(shift).filter(|_| shift < 40)?;
        if digit & 32 == 0 {
            return Some(if value & 1 == 1 { -(value >> 1) } else { value >> 1 });
        }
        shift += 5;
    }
}

/// A path without `..` inside, from a folder if it is below it.
fn plain(path: &Path, from: &Path) -> String {
    let mut plain = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(component);
        }
    }
    plain.strip_prefix(from).unwrap_or(&plain).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(map: &str) -> Result<Lines, String> {
        Lines::read(map, Path::new("/p/.hive/build"), Path::new("/p"))
    }

    #[test]
    fn what_goes_on_line_by_line_is_said_once() {
        // Bundle lines 1, 2 and 3 are lines 4, 5 and 6 of the one; line 3 has from column 8 on line 9 of the other.
        let map =
            r#"{"sources": ["../../src/a.js", "/lib/b.js"], "mappings": ";AAIA;AAAA,EACE,EAAE;AACF,QCGA"}"#;
        let lines = read(map).expect("a map");
        assert_eq!(lines.files, ["src/a.js", "/lib/b.js"]);
        assert_eq!(lines.at, [1, 0, 0, 4, 3, 8, 1, 9]);
        let literal = r#""{\"files\":[\"src/a.js\",\"/lib/b.js\"],\"at\":[1,0,0,4,3,8,1,9]}""#;
        assert_eq!(lines.literal(), literal);
    }

    #[test]
    fn numbers_are_read_whole_and_with_their_sign() {
        for (letters, want) in [
            ("A", Some(0)),
            ("C", Some(1)),
            ("D", Some(-1)),
            ("gB", Some(16)),
            ("hB", Some(-16)),
            ("g", None),
        ] {
            assert_eq!(vlq(&mut letters.bytes().peekable()), want, "{letters}");
        }
        assert_eq!(vlq(&mut "ggggggggggggggggggB".bytes().peekable()), None);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        assert!(read("{").is_err());
        let said = read(r#"{"sources": [], "mappings": "A,!"}"#).expect_err("no numbers");
        assert!(said.contains("base 64"), "{said}");
    }
}
