//! JSON for people: indented, with the members in the order they came in.

use serde::de::IgnoredAny;

/// Indents a JSON text by two spaces a level without reordering or rewriting anything in it. `None` if it
/// is not JSON.
pub fn indent(text: &str) -> Option<String> {
    indent_by(text, 2)
}

/// Takes out of a JSON text what does not matter, also without rewriting anything.
pub(crate) fn compact(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut compact = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(each) = characters.next() {
        match each {
            '"' => {
                compact.push('"');
                copy_text(&mut characters, &mut compact);
            }
            _ if each.is_ascii_whitespace() => {}
            _ => compact.push(each),
        }
    }
    Some(compact)
}

/// Indents a JSON text by so many spaces a level.
pub(crate) fn indent_by(text: &str, spaces: usize) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut indented = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut characters = text.chars().peekable();
    while let Some(each) = characters.next() {
        match each {
            '"' => {
                indented.push('"');
                copy_text(&mut characters, &mut indented);
            }
            '{' | '[' => {
                while characters.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                indented.push(each);
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    indented.push(close);
                } else {
                    depth += 1;
                    new_line(&mut indented, depth * spaces);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut indented, depth * spaces);
                indented.push(each);
            }
            ',' => {
                indented.push(',');
                new_line(&mut indented, depth * spaces);
            }
            ':' => indented.push_str(": "),
            _ if each.is_ascii_whitespace() => {}
            _ => indented.push(each),
        }
    }
    Some(indented)
}

/// Copies the rest of a text, with its closing quote.
fn copy_text(characters: &mut impl Iterator<Item = char>, into: &mut String) {
    while let Some(each) = characters.next() {
        into.push(each);
        match each {
            '"' => return,
            '\\' => into.extend(characters.next()),
            _ => {}
        }
    }
}

fn new_line(into: &mut String, margin: usize) {
    into.push('\n');
    into.extend(std::iter::repeat_n(' ', margin));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_texts_and_empty_ones() {
        let text = r#"{"b":[1, 2.50,{"x":"a\"{,:}\\"}],"a":{ },"n":null,"e":[]}"#;
        let expected = "{\n  \"b\": [\n    1,\n    2.50,\n    {\n      \"x\": \"a\\\"{,:}\\\\\"\n    }\n  ],\n  \"a\": {},\n  \"n\": null,\n  \"e\": []\n}";
        assert_eq!(indent(text).as_deref(), Some(expected));
        assert_eq!(indent(expected).as_deref(), Some(expected));
        let compact_form = r#"{"b":[1,2.50,{"x":"a\"{,:}\\"}],"a":{},"n":null,"e":[]}"#;
        assert_eq!(compact(expected).as_deref(), Some(compact_form));
        assert_eq!(indent_by("{\"a\":1}", 4).as_deref(), Some("{\n    \"a\": 1\n}"));
    }

    #[test]
    fn what_is_not_json_is_left_alone() {
        assert_eq!(indent("<html>"), None);
        assert_eq!(indent("{} x"), None);
    }
}
