//! How a filter is written.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Expression, ScimFault, ScimPath, Test};

/// How many comparisons a filter may have.
const COMPARISONS_MAX: usize = 50;
/// How deep parentheses may be in one another.
const DEPTH_MAX: usize = 16;

/// What a filter is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Resources.
    Resource,
    /// The values of an attribute.
    Value,
}

/// Reads a filter.
pub(super) fn parse(text: &str, place: Place) -> Result<Expression, ScimFault> {
    let mut parser = Parser { text, rest: text.trim(), place, comparisons: 0 };
    let expression = parser.any(0)?;
    if parser.rest.is_empty() { Ok(expression) } else { Err(parser.fault()) }
}

struct Parser<'a> {
    text: &'a str,
    /// What has not been read, without space before it.
    rest: &'a str,
    place: Place,
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn fault(&self) -> ScimFault {
        let (text, rest) = (self.text, self.rest);
        let at = if rest.is_empty() { "its end".to_owned() } else { format!("\"{rest}\"") };
        ScimFault::filter(format!(
            "expected comparisons such as userName eq \"jane\", joined by and, or and not (…); at {at} of: {text}"
        ))
    }

    /// Goes on after this much.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }

    /// Reads a word, in any case, that ends where a word must.
    fn word(&mut self, word: &str) -> bool {
        let is_it = self.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && self.rest[word.len()..].chars().next().is_none_or(|next| next.is_whitespace() || "()".contains(next));
        if is_it {
            self.skip(word.len());
        }
        is_it
    }

    fn sign(&mut self, sign: char) -> bool {
        let is_it = self.rest.starts_with(sign);
        if is_it {
            self.skip(sign.len_utf8());
        }
        is_it
    }

    /// Expressions that are joined by `or`.
    fn any(&mut self, depth: usize) -> Result<Expression, ScimFault> {
        let mut parts = vec![self.all(depth)?];
        while self.word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() > 1 { Expression::Any(parts) } else { parts.remove(0) })
    }

    /// Expressions that are joined by `and`.
    fn all(&mut self, depth: usize) -> Result<Expression, ScimFault> {
        let mut parts = vec![self.one(depth)?];
        while self.word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() > 1 { Expression::All(parts) } else { parts.remove(0) })
    }

    fn one(&mut self, depth: usize) -> Result<Expression, ScimFault> {
        if depth > DEPTH_MAX {
            return Err(ScimFault::filter(format!("parentheses may be {DEPTH_MAX} deep at most")));
        }
        if self.word("not") {
            if !self.rest.starts_with('(') {
                return Err(self.fault());
            }
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.sign('(') {
            let inner = self.any(depth + 1)?;
            return if self.sign(')') { Ok(inner) } else { Err(self.fault()) };
        }
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            return Err(ScimFault::filter(format!("a filter has at most {COMPARISONS_MAX} comparisons")));
        }
        let path = self.path()?;
        let test = self.test(&path)?;
        Ok(Expression::Is(Box::new(path), test))
    }

    fn path(&mut self) -> Result<ScimPath, ScimFault> {
        let end = end_of_path(self.rest);
        let (path, _) = self.rest.split_at(end);
        if path.contains('[') && self.place == Place::Value {
            return Err(ScimFault::filter("a filter among values cannot hold another one among theirs"));
        }
        let path = ScimPath::parse(path).map_err(|fault| ScimFault::filter(fault.detail))?;
        self.skip(end);
        Ok(path)
    }

    fn test(&mut self, path: &ScimPath) -> Result<Test, ScimFault> {
        if self.word("pr") {
            return Ok(Test::Present);
        }
        let is_over = |rest: &str| rest.is_empty() || rest.starts_with(')');
        let joined = |rest: &str| {
            ["and ", "or "]
                .iter()
                .any(|word| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
        };
        // `emails[type eq "work"]` means whoever has such a value.
        if path.filter().is_some() && (is_over(self.rest) || joined(self.rest)) {
            return Ok(Test::Present);
        }
        let operators = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
        let Some(operator) = operators.into_iter().find(|operator| self.word(operator)) else {
            return Err(self.fault());
        };
        let value = self.value()?;
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            _ => Err(ScimFault::filter(format!("{operator} compares with a text: {path} {operator} \"…\""))),
        };
        let ordered = |wanted: &'static [Ordering], value: Value| match value {
            Value::String(_) | Value::Number(_) => Ok(Test::Ordered(wanted, value)),
            _ => Err(ScimFault::filter(format!("{operator} compares with a text, a time or a number"))),
        };
        match operator {
            "eq" => Ok(Test::Equal(value)),
            "ne" => Ok(Test::Unequal(value)),
            "co" => text(value).map(Test::Contains),
            "sw" => text(value).map(Test::StartsWith),
            "ew" => text(value).map(Test::EndsWith),
            "gt" => ordered(&[Ordering::Greater], value),
            "ge" => ordered(&[Ordering::Greater, Ordering::Equal], value),
            "lt" => ordered(&[Ordering::Less], value),
            _ => ordered(&[Ordering::Less, Ordering::Equal], value),
        }
    }

    /// A text, a number, a boolean or null, as JSON has them; `True` and `False` as some providers write them.
    fn value(&mut self) -> Result<Value, ScimFault> {
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            if self.word(word) {
                return Ok(value);
            }
        }
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value @ (Value::String(_) | Value::Number(_)))) => {
                self.skip(values.byte_offset());
                Ok(value)
            }
            _ => Err(self.fault()),
        }
    }
}

/// Where a path ends: at a space or a parenthesis that is in no filter of it. A text in that may hold anything.
fn end_of_path(text: &str) -> usize {
    let (mut depth, mut is_in_text, mut is_escaped) = (0_u32, false, false);
    let is_end = |each: char| {
        if is_in_text {
            is_in_text = is_escaped || each != '"';
            is_escaped = !is_escaped && each == '\\';
            return false;
        }
        match each {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '"' => is_in_text = true,
            _ => {}
        }
        depth == 0 && (each.is_whitespace() || "()".contains(each))
    };
    text.find(is_end).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::super::ScimFilter;

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            "userName",
            "userName eq",
            "userName eq jane",
            "userName xx \"j\"",
            "a eq 1 or",
            "a eq {}",
            "a eq [1]",
            "a eq 1 and",
            "(a eq 1",
            "a eq 1)",
            "not a eq 1",
            "a eq \"1",
            "a[b[c eq 1] eq 1] eq 1",
            "a co 1",
            "active gt true",
            "a lt null",
            "a eq 1 b eq 2",
            "eq 1",
        ] {
            assert_eq!(ScimFilter::parse(text).unwrap_err().scim_type, "invalidFilter", "{text}");
        }
        assert!(ScimFilter::parse(&["a eq 1"; 51].join(" and ")).is_err());
        assert!(ScimFilter::parse(&format!("{}a eq 1{}", "(".repeat(18), ")".repeat(18))).is_err());
    }

    #[test]
    fn texts_may_hold_anything() {
        for text in
            ["a eq \") or (\"", "a[b eq \"] x\"].c eq \"y\"", "a[b eq \"\\\"]\"] or c pr", "(a eq \"x\")and b pr"]
        {
            assert!(ScimFilter::parse(text).is_ok(), "{text}");
        }
    }
}
