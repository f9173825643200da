//! Rust source without its comments and texts, so that a rule looks at code only.

/// The code of `text`: comments and the insides of texts become blanks, line breaks stay.
pub(super) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = comment_length(rest).or_else(|| literal_length(rest, code.chars().next_back()));
        let length = blank.unwrap_or(first.len_utf8());
        let (piece, after) = rest.split_at(length.min(rest.len()));
        if blank.is_some() {
            code.extend(piece.chars().map(|each| if each == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(piece);
        }
        rest = after;
    }
    code
}

fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    Some(text.len())
}

/// The length of the text or character that begins here; `before` tells `r"` from the end of a name.
fn literal_length(text: &str, before: Option<char>) -> Option<usize> {
    if text.starts_with('"') {
        return Some(quoted_length(text, b'"'));
    }
    if let Some(body) = text.strip_prefix('\'') {
        let is_character = body.starts_with('\\') || body.chars().nth(1) == Some('\'');
        return is_character.then(|| quoted_length(text, b'\''));
    }
    let inside_name = before.is_some_and(|each| each.is_alphanumeric() || each == '_');
    let raw = text.strip_prefix('r').filter(|_| !inside_name)?;
    let hashes = raw.bytes().take_while(|byte| *byte == b'#').count();
    let body = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let closed = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(1 + hashes + 1 + closed)
}

fn quoted_length(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_blank_and_code_stays() {
        let source =
            "a(); // x.await\nb(\"y.await // \\\" \"); /* z /* q */ .await */ c::<'a>('\\'', 'x'); r#\"w\"\"#.d()";
        let code = code_of(source);
        assert!(!code.contains("await"), "{code}");
        for kept in ["a();", "b(", "c::<'a>(", ".d()"] {
            assert!(code.contains(kept), "{kept} in {code}");
        }
        assert_eq!(code.matches('\n').count(), 1);
    }

    #[test]
    fn code_after_an_address_in_a_text_is_still_code() {
        assert!(code_of("get(\"https://x\").await").contains(".await"));
        assert!(code_of("let var\"x\"; f().await").contains(".await"));
    }
}
