//! Reads what a caller sent: objects member by member, with the contract's own words for what is wrong
//! (management-api.md 1.2).
//!
//! An [`ObjectReader`] owns an object, hands out its members as checked types, and at the end refuses what
//! nobody asked for. It knows its place, so that a message names the member at fault. A value is repeated in
//! a message only where its [`Text`] says so: passwords and tokens are never echoed.

mod field;
mod invalid;

use serde_json::{Map, Value};

pub(crate) use field::{Field, Text};
pub(crate) use invalid::{Invalid, Part};

/// How much of a name is told that a caller chose.
const NAME_CHARS_SHOWN_MAX: usize = 128;
/// The longest list.
const ITEMS_MAX: usize = 1000;

/// Reads the members of an object.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    members: Map<String, Value>,
    place: String,
    about: &'static str,
}

impl ObjectReader {
    /// The object that a body consists of.
    pub(crate) fn root(value: Value) -> Result<Self, Invalid> {
        match value {
            Value::Object(members) => Ok(Self { members, place: String::new(), about: "" }),
            other => Err(Invalid::new(Part::Payload, &wrong_type("object", &other), "", "")),
        }
    }

    /// The objects of the list that a body consists of, whose length is within limits.
    pub(crate) fn root_list(value: Value, items_min: usize, items_max: usize) -> Result<Vec<Self>, Invalid> {
        let fault = |reason: &str| Invalid::new(Part::Payload, reason, "", "");
        let items = match value {
            Value::Array(items) => items,
            other => return Err(fault(&wrong_type("array", &other))),
        };
        if items.len() < items_min {
            return Err(fault(&format!("Array is too short ({}), minimum {items_min}", items.len())));
        }
        if items.len() > items_max {
            return Err(fault(&format!("Array is too long ({}), maximum {items_max}", items.len())));
        }
        let read = |(index, item): (usize, Value)| {
            let place = format!("[{index}]");
            match item {
                Value::Object(members) => Ok(Self { members, place, about: "" }),
                other => Err(Invalid::new(Part::Payload, &wrong_type("object", &other), &place, "")),
            }
        };
        items.into_iter().enumerate().map(read).collect()
    }

    /// A fault of this object itself.
    pub(crate) fn fault(&self, reason: &str) -> Invalid {
        Invalid::new(Part::Payload, reason, &self.place, self.about)
    }

    /// A fault of one of its members.
    pub(crate) fn fault_at(&self, field: Field, reason: &str) -> Invalid {
        Invalid::new(Part::Payload, reason, &self.place_of(field.name), field.about)
    }

    /// A fault of what a member holds under a name, or at an index.
    pub(crate) fn fault_within(&self, field: Field, within: &str, reason: &str) -> Invalid {
        let is_index = !within.is_empty() && within.bytes().all(|byte| byte.is_ascii_digit());
        let place = self.place_of(field.name);
        let within: String = within.chars().take(NAME_CHARS_SHOWN_MAX).collect();
        let place = if is_index { format!("{place}[{within}]") } else { format!("{place}.{within}") };
        Invalid::new(Part::Payload, reason, &place, field.about)
    }

    /// That `field` is missing, naming its whole path: for the members of an extension.
    pub(crate) fn missing_with_path(&self, field: Field) -> Invalid {
        self.fault_at(field, &format!("Missing required property: {}", field.name))
    }

    /// That `field` is missing.
    pub(crate) fn missing(&self, field: Field) -> Invalid {
        self.fault(&format!("Missing required property: {}", field.name))
    }

    /// A member as it stands.
    pub(crate) fn value(&mut self, field: Field) -> Option<Value> {
        self.members.remove(field.name)
    }

    /// A member to look at before it is read.
    pub(crate) fn peek(&self, field: Field) -> Option<&Value> {
        self.members.get(field.name)
    }

    /// Whether a member is `null`; if so, it has been read by that.
    pub(crate) fn take_null(&mut self, field: Field) -> bool {
        let is_null = self.peek(field).is_some_and(Value::is_null);
        is_null && self.value(field).is_some()
    }

    /// A text, if it is there.
    pub(crate) fn text(&mut self, text: &Text) -> Result<Option<String>, Invalid> {
        match self.value(text.field()) {
            None => Ok(None),
            Some(Value::String(given)) => match text.fault(&given) {
                None => Ok(Some(given)),
                Some(reason) => Err(self.fault_at(text.field(), &reason)),
            },
            Some(other) => Err(self.fault_at(text.field(), &wrong_type("string", &other))),
        }
    }

    /// A text that may be given as a whole number, if it is there.
    pub(crate) fn text_or_number(&mut self, text: &Text) -> Result<Option<String>, Invalid> {
        match self.value(text.field()) {
            Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
            Some(other) => {
                self.members.insert(text.field().name.to_owned(), other);
                self.text(text)
            }
            None => Ok(None),
        }
    }

    /// A text that must be there.
    pub(crate) fn text_required(&mut self, text: &Text) -> Result<String, Invalid> {
        self.text(text)?.ok_or_else(|| self.missing(text.field()))
    }

    /// `true` or `false`, if it is there.
    pub(crate) fn boolean(&mut self, field: Field) -> Result<Option<bool>, Invalid> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Bool(given)) => Ok(Some(given)),
            Some(other) => Err(self.fault_at(field, &wrong_type("boolean", &other))),
        }
    }

    /// A whole number within limits, if it is there.
    pub(crate) fn number(&mut self, field: Field, min: u64, max: u64) -> Result<Option<u64>, Invalid> {
        let Some(value) = self.value(field) else { return Ok(None) };
        whole_number(&value, min, max).map(Some).map_err(|reason| self.fault_at(field, &reason))
    }

    /// A list of whole numbers within limits, if it is there.
    pub(crate) fn numbers(&mut self, field: Field, min: u64, max: u64) -> Result<Option<Vec<u64>>, Invalid> {
        let Some(items) = self.list(field)? else { return Ok(None) };
        let read = |(index, item): (usize, &Value)| {
            whole_number(item, min, max).map_err(|reason| self.fault_within(field, &index.to_string(), &reason))
        };
        items.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// One of a few words, if it is there.
    pub(crate) fn word<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::String(given)) => match parse(&given) {
                Some(known) => Ok(Some(known)),
                None => Err(self.fault_at(field, &format!("No enum match for: {given}"))),
            },
            Some(other) => Err(self.fault_at(field, &wrong_type("string", &other))),
        }
    }

    /// An object whose members its owner chose, if it is there.
    pub(crate) fn map(&mut self, field: Field) -> Result<Option<Map<String, Value>>, Invalid> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Object(given)) => Ok(Some(given)),
            Some(other) => Err(self.fault_at(field, &wrong_type("object", &other))),
        }
    }

    /// An object to read on in, if it is there.
    pub(crate) fn object(&mut self, field: Field) -> Result<Option<Self>, Invalid> {
        let place = self.place_of(field.name);
        Ok(self.map(field)?.map(|members| Self { members, place, about: field.about }))
    }

    /// An object to read on in that must be there.
    pub(crate) fn object_required(&mut self, field: Field) -> Result<Self, Invalid> {
        self.object(field)?.ok_or_else(|| self.missing(field))
    }

    /// A list, if it is there.
    fn list(&mut self, field: Field) -> Result<Option<Vec<Value>>, Invalid> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Array(items)) if items.len() > ITEMS_MAX => {
                Err(self.fault_at(field, &format!("Array is too long ({}), maximum {ITEMS_MAX}", items.len())))
            }
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(self.fault_at(field, &wrong_type("array", &other))),
        }
    }

    /// A list of objects, each to read on in, if it is there.
    pub(crate) fn objects(&mut self, field: Field) -> Result<Option<Vec<Self>>, Invalid> {
        let Some(items) = self.list(field)? else { return Ok(None) };
        let read = |(index, item): (usize, Value)| {
            let place = format!("{}[{index}]", self.place_of(field.name));
            match item {
                Value::Object(members) => Ok(Self { members, place, about: field.about }),
                other => Err(Invalid::new(Part::Payload, &wrong_type("object", &other), &place, field.about)),
            }
        };
        items.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// A list of different texts, if it is there.
    pub(crate) fn texts(&mut self, text: &Text) -> Result<Option<Vec<String>>, Invalid> {
        let field = text.field();
        let Some(items) = self.list(field)? else { return Ok(None) };
        let mut texts: Vec<String> = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let reason = match item {
                Value::String(given) => {
                    match (text.fault(&given), texts.iter().position(|earlier| *earlier == given)) {
                        (None, None) => {
                            texts.push(given);
                            continue;
                        }
                        (Some(reason), _) => reason,
                        (None, Some(first)) => {
                            let reason = format!("Array items are not unique (indexes {first} and {index})");
                            return Err(self.fault_at(field, &reason));
                        }
                    }
                }
                other => wrong_type("string", &other),
            };
            let place = format!("{}[{index}]", self.place_of(field.name));
            return Err(Invalid::new(Part::Payload, &reason, &place, field.about));
        }
        Ok(Some(texts))
    }

    /// A list of different texts that must be there, of so many entries.
    pub(crate) fn texts_required(&mut self, text: &Text, min: usize, max: usize) -> Result<Vec<String>, Invalid> {
        let texts = self.texts(text)?.ok_or_else(|| self.missing(text.field()))?;
        let count = texts.len();
        if count < min {
            return Err(self.fault_at(text.field(), &format!("Array is too short ({count}), minimum {min}")));
        }
        if count > max {
            return Err(self.fault_at(text.field(), &format!("Array is too long ({count}), maximum {max}")));
        }
        Ok(texts)
    }

    /// Refuses what is left over.
    pub(crate) fn finish(self) -> Result<(), Invalid> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.fault(&format!("Additional properties not allowed: {name}"))),
        }
    }

    /// Refuses what is left over, naming its whole path: for the members of an extension.
    pub(crate) fn finish_with_path(self) -> Result<(), Invalid> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => {
                let reason = format!("Additional properties not allowed: {name}");
                Err(Invalid::new(Part::Payload, &reason, &self.place_of(name), self.about))
            }
        }
    }

    /// Hands out what is left over, where the contract takes whatever comes.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.members
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

fn whole_number(value: &Value, min: u64, max: u64) -> Result<u64, String> {
    match (value.as_u64(), value.as_i64()) {
        (Some(number), _) if number > max => Err(format!("Value {number} is greater than maximum {max}")),
        (Some(number), _) if number >= min => Ok(number),
        (Some(_), _) | (None, Some(_)) => Err(format!("Value {value} is less than minimum {min}")),
        (None, None) => Err(wrong_type("integer", value)),
    }
}

fn wrong_type(expected: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("Expected type {expected} but found type {found}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EMAIL: Text = Text::new("email", "Group email.").format("email", |text| text.contains('@'));
    const TOKEN: Text = Text::new("token", "").length(1, 5).secret().pattern("^x", |text| text.starts_with('x'));
    const GROUPS: Field = Field::new("groups", "The groups.");

    fn message<T: std::fmt::Debug>(result: Result<T, Invalid>) -> String {
        result.unwrap_err().message().to_owned()
    }

    #[test]
    fn a_fault_names_the_member_and_describes_it() {
        let mut body = ObjectReader::root(json!({"groups": [{"email": ""}, {"email": "x"}, 1]})).unwrap();
        assert_eq!(
            message(body.objects(GROUPS)),
            "Payload validation error: 'Expected type object but found type integer' on property groups[2] (The groups)."
        );
        let mut body = ObjectReader::root(json!({"groups": [{"email": "x"}]})).unwrap();
        let mut groups = body.objects(GROUPS).unwrap().unwrap();
        assert_eq!(
            message(groups[0].text(&EMAIL)),
            "Payload validation error: 'Object didn't pass validation for format email: x' on property groups[0].email (Group email)."
        );
    }

    #[test]
    fn a_fault_of_the_root_names_no_property() {
        let mut body = ObjectReader::root(json!({})).unwrap();
        assert_eq!(
            message(body.text_required(&EMAIL)),
            "Payload validation error: 'Missing required property: email'."
        );
        let body = ObjectReader::root(json!({"x": 1})).unwrap();
        assert_eq!(message(body.finish()), "Payload validation error: 'Additional properties not allowed: x'.");
        assert_eq!(
            message(ObjectReader::root(json!([]))),
            "Payload validation error: 'Expected type object but found type array'."
        );
    }

    #[test]
    fn secrets_are_not_repeated() {
        for token in [json!("hunter"), json!("hunt"), json!(["hunt"])] {
            let mut body = ObjectReader::root(json!({ "token": token })).unwrap();
            let message = message(body.text(&TOKEN));
            assert!(message.ends_with("on property token.") && !message.contains("hunt"), "{message}");
        }
    }

    #[test]
    fn messages_are_bounded() {
        let body = ObjectReader::root(json!({"x".repeat(10_000): 1})).unwrap();
        assert!(message(body.finish()).len() < 600);
    }

    #[test]
    fn repeated_items_are_named() {
        const SCOPE: Text = Text::new("scope", "");
        let mut body = ObjectReader::root(json!({"scope": ["a", "b", "a"]})).unwrap();
        assert_eq!(
            message(body.texts(&SCOPE)),
            "Payload validation error: 'Array items are not unique (indexes 0 and 2)' on property scope."
        );
    }
}
