//! Members, and the form that a text among them must have.

/// The longest text that has no limit of its own, in characters.
const CHARS_MAX: usize = 4096;

/// A member and one sentence on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

impl Field {
    /// A member.
    pub(crate) const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about }
    }
}

/// The form that a text must have.
#[derive(Clone, Copy, Debug)]
enum Form {
    Any,
    /// `Object didn't pass validation for format NAME`
    Format(&'static str, fn(&str) -> bool),
    /// `String does not match pattern PATTERN`
    Pattern(&'static str, fn(&str) -> bool),
}

/// A text member and its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    field: Field,
    chars_min: usize,
    chars_max: usize,
    form: Form,
    secret: bool,
}

impl Text {
    /// A text of at least one character.
    pub(crate) const fn new(name: &'static str, about: &'static str) -> Self {
        Self { field: Field::new(name, about), chars_min: 1, chars_max: CHARS_MAX, form: Form::Any, secret: false }
    }

    /// With these limits, in characters.
    pub(crate) const fn length(self, chars_min: usize, chars_max: usize) -> Self {
        Self { chars_min, chars_max, ..self }
    }

    /// In a named format.
    pub(crate) const fn format(self, name: &'static str, holds: fn(&str) -> bool) -> Self {
        Self { form: Form::Format(name, holds), ..self }
    }

    /// In a form described by a regular expression.
    pub(crate) const fn pattern(self, pattern: &'static str, holds: fn(&str) -> bool) -> Self {
        Self { form: Form::Pattern(pattern, holds), ..self }
    }

    /// Never repeated in a message.
    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The member's name.
    pub(crate) const fn name(&self) -> &'static str {
        self.field.name
    }

    /// The member that it is.
    pub(crate) const fn field(&self) -> Field {
        self.field
    }

    /// What is wrong with a given text.
    pub(in crate::wire) fn fault(&self, text: &str) -> Option<String> {
        let length = text.chars().count();
        let shown = |value: &str| if self.secret { String::new() } else { value.to_owned() };
        if length < self.chars_min {
            return Some(format!("String is too short ({length} chars), minimum {}", self.chars_min));
        }
        if length > self.chars_max {
            return Some(format!("String is too long ({length} chars), maximum {}", self.chars_max));
        }
        match self.form {
            Form::Format(name, holds) if !holds(text) => {
                let shown = shown(&format!(": {text}"));
                Some(format!("Object didn't pass validation for format {name}{shown}"))
            }
            Form::Pattern(pattern, holds) if !holds(text) => {
                let shown = shown(&format!(" '{text}'"));
                Some(format!("String{shown} does not match pattern {pattern}"))
            }
            _ => None,
        }
    }
}
