//! What an expression may be, so that evaluating it is bounded by the size of the event.
//!
//! Every function that is allowed costs no more than its arguments are long, and makes nothing longer than they are
//! together. Lists are gone through one at a time (no `map` inside of a `map`), and nothing grows on the way.

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, operators};

use super::{DEPTH_MAX, EVENT, ExpressionError};

/// Operators, functions, members: how many an expression may have, with what its macros become.
const NODES_MAX: usize = 256;

/// How many `all`, `exists`, `filter` and `map` it may have.
const COMPREHENSIONS_MAX: usize = 8;

const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::NOT_STRICTLY_FALSE,
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::IN,
    operators::INDEX,
];

/// `replace`, `join`, `format` and `split` are not among them: one after another they could make an event a thousand times
/// as long.
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "indexOf",
    "lastIndexOf",
    "charAt",
    "substring",
    "trim",
    "lowerAscii",
    "upperAscii",
    "string",
    "int",
    "uint",
    "double",
    "bool",
];

/// What was found out about an expression.
pub(super) struct Form {
    /// It goes through lists.
    pub(super) iterates: bool,
}

/// That the text is not nested deeper than whatever reads it may follow. Brackets in texts count too.
pub(super) fn check_text(text: &str) -> Result<(), ExpressionError> {
    let (mut depth, mut signs) = (0_u16, 0_u16);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'?' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = match byte {
            b'!' | b'-' => signs + 1,
            b' ' | b'\t' | b'\r' | b'\n' => signs,
            _ => 0,
        };
        if depth > DEPTH_MAX || signs > DEPTH_MAX {
            return Err(ExpressionError::TooMuch("the expression is nested too deeply"));
        }
    }
    Ok(())
}

/// Checks what was read.
pub(super) fn check(expression: &IdedExpr) -> Result<Form, ExpressionError> {
    let mut walk = Walk::default();
    walk.visit(expression, 0)?;
    Ok(Form { iterates: walk.comprehensions > 0 })
}

/// A walk over an expression.
#[derive(Default)]
struct Walk {
    nodes: usize,
    comprehensions: usize,
    /// The variable that a list's entries are in, and the one that the result grows in, while inside of one.
    inside: Option<[String; 2]>,
}

impl Walk {
    fn visit(&mut self, each: &IdedExpr, depth: usize) -> Result<(), ExpressionError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(ExpressionError::TooMuch("the expression has too many parts"));
        }
        if depth > usize::from(DEPTH_MAX) * 4 {
            return Err(ExpressionError::TooMuch("the expression is nested too deeply"));
        }
        let next = depth + 1;
        match &each.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => self.visit(&select.operand, next),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.visit(element, next)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.visit(&entry.key, next)?;
                    self.visit(&entry.value, next)
                }
                EntryExpr::StructField(field) => self.visit(&field.value, next),
            }),
            Expr::Struct(made) => Err(ExpressionError::UnknownVariable(made.type_name.clone())),
            Expr::Call(call) => {
                self.function(&call.func_name, &call.args)?;
                call.target.iter().try_for_each(|target| self.visit(target, next))?;
                call.args.iter().try_for_each(|argument| self.visit(argument, next))
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, next),
        }
    }

    fn variable(&self, name: &str) -> Result<(), ExpressionError> {
        let bound = self.inside.as_ref().is_some_and(|variables| variables.iter().any(|variable| variable == name));
        if name == EVENT || bound { Ok(()) } else { Err(ExpressionError::UnknownVariable(name.to_owned())) }
    }

    fn function(&self, name: &str, arguments: &[IdedExpr]) -> Result<(), ExpressionError> {
        if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
            return Err(ExpressionError::UnknownFunction(name.to_owned()));
        }
        // `filter` and `map` themselves become additions to their result.
        let result = |variables: &[String; 2]| matches!(arguments.first().map(|first| &first.expr), Some(Expr::Ident(name)) if *name == variables[1]);
        match &self.inside {
            Some(variables) if name == operators::ADD && !result(variables) => {
                Err(ExpressionError::TooMuch("inside of all, exists, filter and map nothing can be added up"))
            }
            _ => Ok(()),
        }
    }

    fn comprehension(&mut self, each: &ComprehensionExpr, depth: usize) -> Result<(), ExpressionError> {
        if self.inside.is_some() {
            return Err(ExpressionError::TooMuch("all, exists, filter and map cannot be inside of one another"));
        }
        self.comprehensions += 1;
        if self.comprehensions > COMPREHENSIONS_MAX {
            return Err(ExpressionError::TooMuch("the expression goes through too many lists"));
        }
        self.visit(&each.iter_range, depth)?;
        self.visit(&each.accu_init, depth)?;
        self.inside = Some([each.iter_var.clone(), each.accu_var.clone()]);
        let visited = [&each.loop_cond, &each.loop_step, &each.result];
        let checked = visited.into_iter().try_for_each(|part| self.visit(part, depth));
        self.inside = None;
        checked
    }
}
