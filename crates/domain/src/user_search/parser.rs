//! Reads a query: `OR` of `AND` of terms, with `NOT` and parentheses.

use std::iter::Peekable;
use std::str::CharIndices;

use super::{Bound, Condition, Matcher, Term};

/// How deep parentheses and negations go.
const DEPTH_MAX: usize = 32;

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Expected {expected} at character {at} of the query")]
pub struct SearchFault {
    /// What should be there.
    pub expected: &'static str,
    /// Where, from 1 on.
    pub at: usize,
}

pub(super) fn parse(text: &str) -> Result<Condition, SearchFault> {
    let mut parser = Parser { text, rest: text.char_indices().peekable(), depth: 0 };
    let condition = parser.any()?;
    parser.skip_spaces();
    if parser.rest.peek().is_some() {
        return Err(parser.fault("AND or OR between terms"));
    }
    Ok(condition)
}

struct Parser<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    depth: usize,
}

/// A word as it was written: `*` outside of quotes and not escaped stands for anything.
struct Word {
    parts: Vec<String>,
    is_quoted: bool,
}

/// Whether a word ends at a colon: the name of a member does, the text of a time does not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Colon {
    Ends,
    Belongs,
}

impl Parser<'_> {
    fn offset(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn fault(&mut self, expected: &'static str) -> SearchFault {
        let at = self.offset();
        SearchFault { expected, at: self.text[..at].chars().count() + 1 }
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|(_, each)| each.is_whitespace()).is_some() {}
    }

    /// Passes over one of `operators`, if it comes next. A word must end there.
    fn takes(&mut self, operators: &[&str]) -> bool {
        self.skip_spaces();
        let at = self.offset();
        let rest = &self.text[at..];
        let comes = |operator: &&&str| {
            rest.strip_prefix(**operator).is_some_and(|after| {
                let is_word = operator.bytes().all(|byte| byte.is_ascii_alphabetic());
                !is_word || after.starts_with(|next: char| next.is_whitespace() || next == '(')
            })
        };
        let Some(operator) = operators.iter().find(comes) else { return false };
        for _ in operator.chars() {
            self.rest.next();
        }
        true
    }

    fn any(&mut self) -> Result<Condition, SearchFault> {
        let mut any = vec![self.all()?];
        while self.takes(&["OR", "||"]) {
            any.push(self.all()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
    }

    fn all(&mut self) -> Result<Condition, SearchFault> {
        let mut all = vec![self.one()?];
        while self.takes(&["AND", "&&"]) {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn one(&mut self) -> Result<Condition, SearchFault> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault("fewer parentheses"));
        }
        self.depth += 1;
        let one = if self.takes(&["NOT", "!", "-"]) {
            Condition::Not(Box::new(self.one()?))
        } else if self.takes(&["("]) {
            let inner = self.any()?;
            if !self.takes(&[")"]) {
                return Err(self.fault("a closing parenthesis"));
            }
            inner
        } else {
            Condition::Term(self.term()?)
        };
        self.depth -= 1;
        Ok(one)
    }

    fn term(&mut self) -> Result<Term, SearchFault> {
        let word = self.word("a term such as name:\"jane\"", Colon::Ends)?;
        if word.is_quoted || self.rest.next_if(|(_, each)| *each == ':').is_none() {
            return Ok(Term { path: None, matcher: word.into_matcher() });
        }
        let [path] = word.parts.as_slice() else { return Err(self.fault("the name of a member before the colon")) };
        let path = path.clone();
        if self.rest.peek().is_some_and(|(_, each)| matches!(each, '[' | '{')) {
            return Ok(Term { path: Some(path), matcher: self.range()? });
        }
        let value = self.word("a value after the colon", Colon::Belongs)?;
        if path == "_exists_" {
            return Ok(Term { path: Some(value.parts.concat()), matcher: Matcher::Exists });
        }
        Ok(Term { path: Some(path), matcher: value.into_matcher() })
    }

    /// `[a TO b]`, with a brace where the bound itself is left out, and `*` where there is none.
    fn range(&mut self) -> Result<Matcher, SearchFault> {
        let bound = |word: Word, is_inclusive| {
            if word.parts.len() > 1 && !word.is_quoted {
                return Bound::Open;
            }
            let text = word.parts.concat().to_lowercase();
            if is_inclusive { Bound::Inclusive(text) } else { Bound::Exclusive(text) }
        };
        let opening = self.rest.next().map(|(_, each)| each);
        self.skip_spaces();
        let low = bound(self.word("the lower bound of the range", Colon::Belongs)?, opening == Some('['));
        if !self.takes(&["TO"]) {
            return Err(self.fault("TO between the bounds of the range"));
        }
        self.skip_spaces();
        let high = self.word("the upper bound of the range", Colon::Belongs)?;
        self.skip_spaces();
        match self.rest.next_if(|(_, each)| matches!(each, ']' | '}')) {
            Some((_, closing)) => Ok(Matcher::Range(low, bound(high, closing == ']'))),
            None => Err(self.fault("the end of the range")),
        }
    }

    fn word(&mut self, expected: &'static str, colon: Colon) -> Result<Word, SearchFault> {
        if self.rest.next_if(|(_, each)| *each == '"').is_some() {
            return self.quoted();
        }
        let mut word = Word { parts: vec![String::new()], is_quoted: false };
        let mut is_empty = true;
        let ends = |each: char| match each {
            '(' | ')' | '"' | '[' | ']' | '{' | '}' => true,
            ':' => colon == Colon::Ends,
            _ => each.is_whitespace(),
        };
        while let Some((_, each)) = self.rest.next_if(|(_, each)| !ends(*each)) {
            is_empty = false;
            match each {
                '*' => word.parts.push(String::new()),
                '\\' => match self.rest.next() {
                    Some((_, escaped)) => word.push(escaped),
                    None => return Err(self.fault("a character after the backslash")),
                },
                _ => word.push(each),
            }
        }
        if is_empty { Err(self.fault(expected)) } else { Ok(word) }
    }

    fn quoted(&mut self) -> Result<Word, SearchFault> {
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some((_, '"')) => return Ok(Word { parts: vec![text], is_quoted: true }),
                Some((_, '\\')) => text.extend(self.rest.next().map(|(_, escaped)| escaped)),
                Some((_, each)) => text.push(each),
                None => return Err(self.fault("a closing quotation mark")),
            }
        }
    }
}

impl Word {
    fn push(&mut self, each: char) {
        self.parts.last_mut().expect("a word has a part").push(each);
    }

    fn into_matcher(self) -> Matcher {
        let mut parts: Vec<String> = self.parts.iter().map(|part| part.to_lowercase()).collect();
        if parts.len() == 1 { Matcher::Text(parts.remove(0)) } else { Matcher::Parts(parts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let fault = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(fault(""), "Expected a term such as name:\"jane\" at character 1 of the query");
        assert_eq!(fault("a:b c:d"), "Expected AND or OR between terms at character 5 of the query");
        assert_eq!(fault("(a:b"), "Expected a closing parenthesis at character 5 of the query");
        assert_eq!(fault("ü:\"b"), "Expected a closing quotation mark at character 5 of the query");
        assert_eq!(fault("a:"), "Expected a value after the colon at character 3 of the query");
        assert_eq!(fault("a AND"), "Expected AND or OR between terms at character 3 of the query");
        assert_eq!(fault("a:[1 2]"), "Expected TO between the bounds of the range at character 6 of the query");
        assert!(fault(&"(".repeat(100)).starts_with("Expected fewer parentheses"));
        assert!(fault(&"NOT ".repeat(100)).starts_with("Expected fewer parentheses"));
    }

    #[test]
    fn words_that_begin_like_operators_are_words() {
        assert_eq!(parse("ORGAN"), parse("organ"));
        assert!(parse("a OR NOTE").is_ok());
    }
}
