//! JSON, requests and answers as the component `.code` shows them: a line each, highlighted here, so that a page needs no
//! script for it and nothing of the text can be taken for markup.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use serde_json::Value;

/// The most lines that are shown; a page then offers the whole as a download.
const LINES_MAX: usize = 2000;

/// Lines of code, escaped and highlighted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    html: String,
    lines: usize,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.html)
    }
}

impl HtmlSafe for Code {}

impl Code {
    /// JSON, with a line for each member. What is none is shown as it is.
    pub(crate) fn json(text: &[u8]) -> Self {
        match serde_json::from_slice(text) {
            Ok(value) => Self::of_value(&value),
            Err(_) => Self::plain(&String::from_utf8_lossy(text)),
        }
    }

    /// JSON, with a line for each member.
    pub(crate) fn of_value(value: &Value) -> Self {
        let mut lines = Lines::default();
        lines.value(value, 0);
        lines.end()
    }

    /// Text as it is.
    pub(crate) fn plain(text: &str) -> Self {
        let mut lines = Lines::default();
        for (index, line) in text.lines().enumerate() {
            if index > 0 {
                lines.next(0);
            }
            escape(&mut lines.line, line);
        }
        lines.end()
    }

    /// The first line of a request or an answer, its headers, and its body.
    pub(crate) fn message(first: &str, headers: &[(String, String)], body: &[u8]) -> Self {
        let mut lines = Lines::default();
        escape(&mut lines.line, first);
        for (name, value) in headers {
            lines.next(0);
            lines.span("j-k", &format!("{name}:"));
            lines.line.push(' ');
            escape(&mut lines.line, value);
        }
        let mut message = lines.end();
        if !body.is_empty() {
            let body = Self::json(body);
            message.html.push_str(r#"<span class="ln"></span>"#);
            message.html.push_str(&body.html);
            message.lines += body.lines + 1;
        }
        message
    }

    /// Whether some of it is left out.
    pub(crate) fn is_cut(&self) -> bool {
        self.lines > LINES_MAX
    }
}

/// Lines in the making.
#[derive(Default)]
struct Lines {
    html: String,
    line: String,
    count: usize,
}

impl Lines {
    fn next(&mut self, depth: usize) {
        self.count += 1;
        if self.count <= LINES_MAX {
            let _ = write!(self.html, r#"<span class="ln">{}</span>"#, self.line);
        }
        self.line.clear();
        self.line.extend(std::iter::repeat_n("  ", depth));
    }

    fn end(mut self) -> Code {
        self.next(0);
        Code { html: self.html, lines: self.count }
    }

    fn span(&mut self, class: &str, text: &str) {
        let _ = write!(self.line, r#"<span class="{class}">"#);
        escape(&mut self.line, text);
        self.line.push_str("</span>");
    }

    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null | Value::Bool(_) => self.span("j-l", &value.to_string()),
            Value::Number(_) => self.span("j-n", &value.to_string()),
            Value::String(_) => self.span("j-s", &value.to_string()),
            Value::Array(items) if items.is_empty() => self.line.push_str("[]"),
            Value::Object(members) if members.is_empty() => self.line.push_str("{}"),
            Value::Array(items) => {
                self.line.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.next(depth + 1);
                    self.value(item, depth + 1);
                    self.comma(index + 1 < items.len());
                }
                self.next(depth);
                self.line.push(']');
            }
            Value::Object(members) => {
                self.line.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    self.next(depth + 1);
                    self.span("j-k", &Value::from(name.as_str()).to_string());
                    self.line.push_str(": ");
                    self.value(member, depth + 1);
                    self.comma(index + 1 < members.len());
                }
                self.next(depth);
                self.line.push('}');
            }
        }
    }

    fn comma(&mut self, is_needed: bool) {
        if is_needed {
            self.line.push(',');
        }
    }
}

/// Text that no browser takes for markup.
pub(super) fn escape(into: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_has_a_line_for_each_member_and_no_markup_of_its_own() {
        let code = Code::of_value(&json!({"a<b": [1, true, "<script>"], "e": {}}));
        let expected = [
            r#"<span class="ln">{</span>"#,
            r#"<span class="ln">  <span class="j-k">&quot;a&lt;b&quot;</span>: [</span>"#,
            r#"<span class="ln">    <span class="j-n">1</span>,</span>"#,
            r#"<span class="ln">    <span class="j-l">true</span>,</span>"#,
            r#"<span class="ln">    <span class="j-s">&quot;&lt;script&gt;&quot;</span></span>"#,
            r#"<span class="ln">  ],</span>"#,
            r#"<span class="ln">  <span class="j-k">&quot;e&quot;</span>: {}</span>"#,
            r#"<span class="ln">}</span>"#,
        ];
        assert_eq!(code.to_string(), expected.concat());
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is() {
        assert_eq!(
            Code::json(b"a <b>\nc").to_string(),
            r#"<span class="ln">a &lt;b&gt;</span><span class="ln">c</span>"#
        );
        let message = Code::message("HTTP/1.1 503", &[("server".into(), "envoy".into())], b"1");
        assert_eq!(message.to_string().matches(r#"class="ln""#).count(), 4);
    }

    #[test]
    fn what_is_very_long_is_cut() {
        let code = Code::of_value(&json!(vec![1; LINES_MAX]));
        assert!(code.is_cut());
        assert_eq!(code.to_string().matches(r#"class="ln""#).count(), LINES_MAX);
    }
}
