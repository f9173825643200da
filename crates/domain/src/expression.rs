//! What a stream's owner says about single events: which ones pass, and what of them is sent.
//!
//! The language is [CEL](https://cel.dev), the Common Expression Language: it always ends, has no loops but over lists
//! that are there, and is known from Kubernetes, Envoy and cloud policies. Who writes an expression is not who runs the
//! server, so an expression is bounded before it is run, by its form (`bounds`) and by the size of the event.

mod bounds;
mod values;

use std::fmt;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use cel::{Context, Env, Program, Value};

/// The longest expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 4096;

/// The largest event that an expression looks at, in bytes.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// The largest payload that a transformation makes, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// The longest list or map that an expression with `all`, `exists`, `filter` or `map` looks at.
pub const ENTRIES_MAX: usize = 1000;

/// How deep an expression may be nested.
const DEPTH_MAX: u16 = 32;

/// Longer messages of the evaluation are cut: they may show parts of the event.
const MESSAGE_CHARS_MAX: usize = 300;

/// The one variable that an expression sees.
const EVENT: &str = "event";

/// Why a text is not an expression that is run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Longer than [`EXPRESSION_BYTES_MAX`].
    #[error("the expression is longer than {EXPRESSION_BYTES_MAX} bytes")]
    TooLong,
    /// Not CEL.
    #[error("not an expression of CEL: {0}")]
    Syntax(String),
    /// Something that it names is not there.
    #[error("{0:?} is not known here; the event is in the variable \"event\"")]
    UnknownVariable(String),
    /// A function that is not there.
    #[error("the function {0:?} is not known here")]
    UnknownFunction(String),
    /// More than may be evaluated for each event.
    #[error("{0}")]
    TooMuch(&'static str),
}

/// Why an expression came to nothing for an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The event is larger than [`EVENT_BYTES_MAX`].
    #[error("the event has more than {EVENT_BYTES_MAX} bytes, and expressions look at no larger ones")]
    EventTooLarge,
    /// The event has a list or map that is longer than [`ENTRIES_MAX`].
    #[error("the event has a list of more than {ENTRIES_MAX} entries, and expressions go through no longer ones")]
    TooManyEntries,
    /// The event is not JSON.
    #[error("the event is not JSON")]
    NotJson,
    /// The language says no: a member that is not there, a text compared with a number.
    #[error("{0}")]
    Failed(String),
    /// Something else than true or false came out.
    #[error("expected true or false, got {0}")]
    NotBoolean(String),
    /// Something came out that JSON does not have.
    #[error("the result holds {0}, which JSON does not have")]
    NotJsonValue(String),
    /// More than [`PAYLOAD_BYTES_MAX`] came out.
    #[error("the result has more than {PAYLOAD_BYTES_MAX} bytes")]
    PayloadTooLarge,
}

/// What is there besides the language itself: text functions that cost no more than the text is long.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    environment
        .add_extension(cel::extensions::strings)
        .expect("the text functions do not clash with the standard ones");
    Arc::new(environment)
});

/// An expression that has been read and is bounded. Cheap to clone.
#[derive(Clone)]
struct Expression {
    text: Arc<str>,
    program: Arc<Program>,
    /// It goes through lists.
    iterates: bool,
}

impl Expression {
    fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(ExpressionError::TooLong);
        }
        bounds::check_text(text)?;
        let program = ENVIRONMENT.compile(text).map_err(|errors| ExpressionError::Syntax(first_line(&errors)))?;
        let form = bounds::check(program.expression())?;
        Ok(Self { text: text.into(), program: Arc::new(program), iterates: form.iterates })
    }

    fn evaluate(&self, event: &EventValue) -> Result<Value, EvaluationError> {
        if self.iterates && event.entries_max > ENTRIES_MAX {
            return Err(EvaluationError::TooManyEntries);
        }
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_from_value(EVENT, event.value.clone());
        self.program.execute(&context).map_err(|error| EvaluationError::Failed(shortened(&error.to_string())))
    }
}

/// The first of them: where, and what was met there, without the list of all that might have stood there instead.
fn first_line(errors: &cel::ParseErrors) -> String {
    let all = errors.to_string();
    let first = all.lines().next().unwrap_or_default().trim_start_matches("ERROR: <input>:");
    shortened(first.split(" expecting ").next().unwrap_or_default())
}

fn shortened(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).map(|each| if each.is_control() { ' ' } else { each }).collect()
}

/// An event as expressions see it: read once for all of them.
pub struct EventValue {
    value: Value,
    entries_max: usize,
}

impl EventValue {
    /// Reads the CloudEvent as it would be sent.
    ///
    /// # Errors
    /// If it is too large or not JSON.
    pub fn read(body: &[u8]) -> Result<Self, EvaluationError> {
        if body.len() > EVENT_BYTES_MAX {
            return Err(EvaluationError::EventTooLarge);
        }
        let json = serde_json::from_slice(body).map_err(|_| EvaluationError::NotJson)?;
        let mut entries_max = 0;
        let value = values::from_json(json, &mut entries_max);
        Ok(Self { value, entries_max })
    }
}

/// Which events pass: an expression that comes to true or false.
#[derive(Clone)]
pub struct Filter(Expression);

/// What is sent instead of the event: an expression whose value becomes the payload, as JSON.
#[derive(Clone)]
pub struct Transform(Expression);

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// If it is no expression, or one that could be too much to evaluate.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Expression::parse(text).map(Self)
    }

    /// The filter as it was given.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether `event` passes.
    ///
    /// # Errors
    /// If that cannot be said, for example because a member that the filter asks for is not there.
    pub fn passes(&self, event: &EventValue) -> Result<bool, EvaluationError> {
        match self.0.evaluate(event)? {
            Value::Bool(passes) => Ok(passes),
            other => Err(EvaluationError::NotBoolean(other.type_of().to_string())),
        }
    }
}

impl Transform {
    /// Reads a transformation.
    ///
    /// # Errors
    /// If it is no expression, or one that could be too much to evaluate.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Expression::parse(text).map(Self)
    }

    /// The transformation as it was given.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What is sent for `event`: JSON, with the members of objects in the order of their names, so that it is the same
    /// in every attempt.
    ///
    /// # Errors
    /// If it comes to nothing that can be sent.
    pub fn apply(&self, event: &EventValue) -> Result<Bytes, EvaluationError> {
        values::to_json(&self.0.evaluate(event)?, PAYLOAD_BYTES_MAX).map(Bytes::from)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Filter {}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.as_str()).finish()
    }
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Transform {}

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transform").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests;
