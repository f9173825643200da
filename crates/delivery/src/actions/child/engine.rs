//! One run of an action, in an engine that exists for it alone.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::clock::{Clock, Entropy};
use domain::delivery::ConsoleLine;
use rquickjs::context::EvalOptions;
use rquickjs::promise::PromiseState;
use rquickjs::{CaughtError, Coerced, Context, Ctx, Error, Exception, Function, Object, Persistent, Promise, Runtime};
use rquickjs::{TypedArray, Value};

use super::{Line, natives};
use crate::actions::frames::{Answer, Ending, FromProcess, Order, RunLimits};

/// What an action finds besides the language.
const PRELUDE: &str = include_str!("prelude.js");

/// The name of the action's code in the lines of an error.
const FILE: &str = "action.js";

/// The stack that the code may use.
const STACK_BYTES: usize = 1024 * 1024;

/// The longest message of what was thrown, in bytes.
const MESSAGE_BYTES_MAX: usize = 1000;

/// What a run has around it.
pub(super) struct World {
    pub(super) line: Rc<RefCell<Line>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limits: RunLimits,
    pub(super) console_left: Cell<usize>,
    pub(super) requests_left: Cell<u32>,
    /// What the action said with `api.message.fail`, first.
    pub(super) gave_up: RefCell<Option<String>>,
    /// The prelude's function that is told of rejections.
    rejection: RefCell<Option<Persistent<Function<'static>>>>,
    /// By the steady clock.
    deadline: Duration,
    interrupted: Cell<bool>,
}

impl World {
    pub(super) fn wrote(&self, line: ConsoleLine) {
        self.line.borrow().tell(&FromProcess::Wrote(line));
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.clock.now().steady)
    }

    /// Asked by the engine now and then; what it answers to with true cannot be caught by the code.
    fn is_late(&self) -> bool {
        let late = self.time_left().is_zero();
        if late {
            self.interrupted.set(true);
        }
        late
    }
}

/// Does a run and tells how it ended. What it leaves behind is gone when this returns.
pub(super) fn run(order: &Order, line: &Rc<RefCell<Line>>, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) {
    let limits = order.limits;
    let world = Rc::new(World {
        line: Rc::clone(line),
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        limits,
        console_left: Cell::new(limits.console_bytes),
        requests_left: Cell::new(limits.requests),
        gave_up: RefCell::default(),
        rejection: RefCell::default(),
        deadline: clock.now().steady.saturating_add(Duration::from_millis(limits.time_ms)),
        interrupted: Cell::new(false),
    });
    let told = |ending: Ending| line.borrow().tell(&FromProcess::Ended(ending));
    let Ok(runtime) = Runtime::new() else { return told(no_engine()) };
    runtime.set_memory_limit(limits.memory_bytes);
    runtime.set_max_stack_size(STACK_BYTES);
    let asked = Rc::clone(&world);
    runtime.set_interrupt_handler(Some(Box::new(move || asked.is_late())));
    let asked = Rc::clone(&world);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, handled| {
        let Some(rejection) = asked.rejection.borrow().clone() else { return };
        let told = rejection.restore(&ctx).and_then(|tell| tell.call::<_, ()>((promise, reason, handled)));
        if told.is_err() {
            // Out of memory or of time: whatever runs next meets the same.
            ctx.catch();
        }
    })));
    let Ok(context) = Context::full(&runtime) else { return told(no_engine()) };
    told(context.with(|ctx| {
        let running = Running { ctx: ctx.clone(), world: Rc::clone(&world) };
        let ending = running.to_its_end(order).unwrap_or_else(|ending| ending);
        // It would keep the engine from ending.
        world.rejection.take();
        ending
    }));
    runtime.set_host_promise_rejection_tracker(None);
    runtime.set_interrupt_handler(None);
}

fn no_engine() -> Ending {
    Ending::Threw("the JavaScript engine could not be started within its memory".to_owned())
}

struct Running<'js> {
    ctx: Ctx<'js>,
    world: Rc<World>,
}

impl<'js> Running<'js> {
    fn to_its_end(&self, order: &Order) -> Result<Ending, Ending> {
        let glue = self.prelude().map_err(|error| self.threw(error))?;
        let handler = self.load(&glue, &order.code)?;
        let Some(message) = &order.message else { return Ok(Ending::Finished) };
        let secrets: serde_json::Map<String, serde_json::Value> =
            order.secrets.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let secrets = serde_json::Value::Object(secrets).to_string();
        let started = glue.get("start").and_then(|start: Function<'js>| start.call((handler, message, secrets)));
        let main: Promise<'js> = started.map_err(|error| self.threw(error))?;
        loop {
            self.microtasks(&glue)?;
            match main.state() {
                PromiseState::Resolved => return Ok(self.given_up().unwrap_or(Ending::Finished)),
                PromiseState::Rejected => {
                    let result = main.result::<Value<'js>>().unwrap_or(Err(Error::Unknown));
                    return Ok(self.given_up().unwrap_or_else(|| match result {
                        Ok(_) => Ending::Finished,
                        Err(error) => self.threw(error),
                    }));
                }
                PromiseState::Pending => self.wait(&glue).map_err(|error| self.threw(error))??,
            }
        }
    }

    fn given_up(&self) -> Option<Ending> {
        self.world.gave_up.borrow_mut().take().map(Ending::GaveUp)
    }

    /// Sets up what the code finds.
    fn prelude(&self) -> rquickjs::Result<Object<'js>> {
        let options = options("headwater.js");
        let make: Function<'js> = self.ctx.eval_with_options(PRELUDE, options)?;
        let glue: Object<'js> = make.call((natives::all(&self.ctx, &self.world)?,))?;
        let rejection = Persistent::save(&self.ctx, glue.get::<_, Function<'js>>("rejection")?);
        self.world.rejection.replace(Some(rejection));
        Ok(glue)
    }

    /// Runs the top level of the code; answers the function that it exports.
    fn load(&self, glue: &Object<'js>, code: &str) -> Result<Function<'js>, Ending> {
        let unusable = |error| match self.threw(error) {
            Ending::Threw(message) => Ending::Unusable(message),
            ending => ending,
        };
        // On one line with the code, so that the lines of errors are those of the code.
        let wrapped = format!("(function (exports, require, module) {{{code}\n}})");
        let factory: Function<'js> = self.ctx.eval_with_options(wrapped, options(FILE)).map_err(unusable)?;
        let load: Function<'js> = glue.get("load").map_err(unusable)?;
        let handler: Option<Function<'js>> = load.call((factory,)).map_err(unusable)?;
        handler.ok_or_else(|| Ending::Unusable("the code does not export a function onExecuteEventStream".to_owned()))
    }

    /// Does what promises have made due; a rejection that nobody has caught by then ends the run.
    fn microtasks(&self, glue: &Object<'js>) -> Result<(), Ending> {
        while self.ctx.execute_pending_job() {
            if self.world.is_late() {
                return Err(Ending::OutOfTime);
            }
        }
        let check = glue.get("throwRejected").and_then(|check: Function<'js>| check.call::<_, ()>(()));
        check.map_err(|error| match self.threw(error) {
            Ending::Threw(message) => Ending::Threw(format!("unhandled rejection: {message}")),
            ending => ending,
        })
    }

    /// Waits for a timer or an answer, and does what comes of it.
    fn wait(&self, glue: &Object<'js>) -> rquickjs::Result<Result<(), Ending>> {
        if self.world.is_late() {
            return Ok(Err(Ending::OutOfTime));
        }
        let next: f64 = glue.get::<_, Function<'js>>("tick")?.call(())?;
        if next == 0.0 {
            return Ok(Ok(()));
        }
        let asked: usize = glue.get::<_, Function<'js>>("waiting")?.call(())?;
        if next < 0.0 && asked == 0 {
            return Ok(Err(Ending::Stuck));
        }
        let left = self.world.time_left();
        let timer = if next < 0.0 { left } else { Duration::try_from_secs_f64(next / 1000.0).unwrap_or(left) };
        let answer = self.world.line.borrow_mut().next_answer(timer.min(left));
        match answer {
            None | Some((_, Answer::Cached(_))) => Ok(Ok(())),
            Some((id, answer)) => self.settle(glue, id, answer).map(Ok),
        }
    }

    fn settle(&self, glue: &Object<'js>, id: u64, answer: Answer) -> rquickjs::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "as it was told to the code")]
        let id = id as f64;
        let (head, body) = match answer {
            Answer::Fetched { head, body } => (serde_json::to_string(&head).ok(), STANDARD.decode(body).ok()),
            Answer::Refused(message) => return glue.get::<_, Function<'js>>("refused")?.call((id, message)),
            Answer::Cached(_) => return Ok(()),
        };
        let body = TypedArray::<u8>::new(self.ctx.clone(), body.unwrap_or_default())?;
        glue.get::<_, Function<'js>>("answered")?.call((id, head.unwrap_or_default(), body))
    }

    /// What an error means for the run.
    fn threw(&self, error: Error) -> Ending {
        let caught = CaughtError::from_error(&self.ctx, error);
        if self.world.interrupted.get() {
            return Ending::OutOfTime;
        }
        let mut message = match caught {
            CaughtError::Exception(exception) => self.described(&exception),
            // The engine throws it too, when there is no memory for an error.
            CaughtError::Value(value) if value.is_null() => "null was thrown, or the run was out of memory".to_owned(),
            CaughtError::Value(value) => self.text_of(value),
            CaughtError::Error(error) => error.to_string(),
        };
        // Describing it ran code again.
        if self.world.interrupted.get() {
            return Ending::OutOfTime;
        }
        if message.contains("out of memory") {
            message = format!("out of memory: a run may use {} bytes", self.world.limits.memory_bytes);
        }
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        Ending::Threw(message)
    }

    /// Name, message and the line of the action's code.
    fn described(&self, exception: &Exception<'js>) -> String {
        let text = |key| exception.as_object().get::<_, Coerced<String>>(key).map(|text| text.0);
        let name = text("name").unwrap_or_else(|_| self.dropped("Error"));
        let message = text("message").unwrap_or_else(|_| self.dropped(""));
        let stack = text("stack").unwrap_or_else(|_| self.dropped(""));
        let separator = if message.is_empty() { "" } else { ": " };
        match line_of(&stack) {
            Some(line) => format!("{name}{separator}{message} (line {line})"),
            None => format!("{name}{separator}{message}"),
        }
    }

    fn text_of(&self, value: Value<'js>) -> String {
        if let Some(text) = value.as_string() {
            return text.to_string().unwrap_or_else(|_| self.dropped("a text"));
        }
        let json = self.ctx.json_stringify(value).and_then(|json| json.map(|json| json.to_string()).transpose());
        match json {
            Ok(json) => json.unwrap_or_else(|| "undefined was thrown".to_owned()),
            Err(_) => self.dropped("a value that cannot be shown was thrown"),
        }
    }

    /// Forgets what was thrown while something was described.
    fn dropped(&self, instead: &str) -> String {
        self.ctx.catch();
        instead.to_owned()
    }
}

fn options(file: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.global = true;
    options.strict = false;
    options.filename = Some(file.to_owned());
    options
}

/// The topmost line of the action's code in a stack.
fn line_of(stack: &str) -> Option<u32> {
    let (_, rest) = stack.split_once(FILE)?;
    let digits = rest.strip_prefix(':')?;
    digits[..digits.find(|each: char| !each.is_ascii_digit())?].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_error() {
        assert_eq!(line_of("    at inner (action.js:12:7)\n    at <anonymous> (action.js:3:1)\n"), Some(12));
        assert_eq!(line_of("    at native"), None);
    }
}
