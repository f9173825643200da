//! Asking the person at the terminal for what the command line left out.
//!
//! Nothing is asked without a terminal: then what is missing is an error that names its flag.

use std::io::IsTerminal;

use dialoguer::console::Term;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm, Input, MultiSelect, Password, Select};

use crate::document::Document;
use crate::exit::Failure;

/// How many choices are shown at once.
const CHOICES_SHOWN: usize = 12;

/// Whether and how questions are asked.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    silent: Option<Silence>,
    coloured: bool,
}

/// Why nothing is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    NoTerminal,
    NoInput,
    AgentMode,
}

impl Silence {
    const fn reason(self) -> &'static str {
        match self {
            Self::NoTerminal => "there is no terminal to ask on",
            Self::NoInput => "--no-input forbids asking",
            Self::AgentMode => "nothing is asked in agent mode",
        }
    }
}

/// One of several, to be picked by its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What stands for it, such as an id.
    pub value: String,
    /// What is shown.
    pub label: String,
}

impl Choice {
    /// A choice that is shown as what it is.
    pub fn of(value: &str) -> Self {
        Self { value: value.to_owned(), label: value.to_owned() }
    }

    /// One of a list of the server's: its name, and its id in parentheses.
    pub fn named(document: &Document, id: &str, name: &str) -> Self {
        let (id, name) = (document.member(id), document.member(name));
        let label = if name.is_empty() { id.to_owned() } else { format!("{name} ({id})") };
        Self { value: id.to_owned(), label }
    }
}

impl Asking {
    pub(crate) const fn new(silent: Option<Silence>, coloured: bool) -> Self {
        Self { silent, coloured }
    }

    /// Whether anything is asked at all.
    pub const fn is_possible(self) -> bool {
        self.silent.is_none()
    }

    /// What was given, or the answer to a question. `flag` is the way to say it without being asked.
    ///
    /// # Errors
    /// If nothing was given and nothing may be asked; so for all that follow.
    pub async fn text(self, given: Option<String>, flag: &str, prompt: &str) -> Result<String, Failure> {
        let Some(prompt) = self.unless(&given, flag, prompt)? else { return Ok(given.unwrap_or_default()) };
        self.answer(move |theme, term| Input::with_theme(theme).with_prompt(prompt).interact_text_on(term)).await
    }

    /// As [`Asking::text`], with an answer that is proposed.
    ///
    /// # Errors
    /// If nothing was given and nothing may be asked.
    pub async fn text_or(
        self,
        given: Option<String>,
        flag: &str,
        prompt: &str,
        proposed: &str,
    ) -> Result<String, Failure> {
        let Some(prompt) = self.unless(&given, flag, prompt)? else { return Ok(given.unwrap_or_default()) };
        let proposed = proposed.to_owned();
        self.answer(move |theme, term| {
            Input::with_theme(theme).with_prompt(prompt).default(proposed).interact_text_on(term)
        })
        .await
    }

    /// As [`Asking::text`], without showing what is typed.
    ///
    /// # Errors
    /// If nothing was given and nothing may be asked.
    pub async fn hidden(self, given: Option<String>, flag: &str, prompt: &str) -> Result<String, Failure> {
        let Some(prompt) = self.unless(&given, flag, prompt)? else { return Ok(given.unwrap_or_default()) };
        self.answer(move |theme, term| Password::with_theme(theme).with_prompt(prompt).interact_on(term)).await
    }

    /// What was given, or one of several.
    ///
    /// # Errors
    /// If nothing was given and nothing may be asked.
    pub async fn choice(
        self,
        given: Option<String>,
        flag: &str,
        prompt: &str,
        choices: Vec<Choice>,
    ) -> Result<String, Failure> {
        let Some(prompt) = self.unless(&given, flag, prompt)? else { return Ok(given.unwrap_or_default()) };
        let labels: Vec<String> = choices.iter().map(|choice| choice.label.clone()).collect();
        let ask = move |theme: &dyn Theme, term: &Term| {
            let select = Select::with_theme(theme).with_prompt(prompt).items(labels).default(0);
            select.max_length(CHOICES_SHOWN).interact_on(term)
        };
        let chosen = self.answer(ask).await?;
        Ok(choices[chosen].value.clone())
    }

    /// What was given, or those of several that are marked; at least one.
    ///
    /// # Errors
    /// If nothing was given and nothing may be asked.
    pub async fn choices(
        self,
        given: Vec<String>,
        flag: &str,
        prompt: &str,
        choices: Vec<Choice>,
    ) -> Result<Vec<String>, Failure> {
        let Some(prompt) = self.unless(&given.first(), flag, prompt)? else { return Ok(given) };
        let labels: Vec<String> = choices.iter().map(|choice| choice.label.clone()).collect();
        loop {
            let (prompt, labels) = (prompt.clone(), labels.clone());
            let ask = move |theme: &dyn Theme, term: &Term| {
                let select = MultiSelect::with_theme(theme).with_prompt(prompt).items(labels);
                select.max_length(CHOICES_SHOWN).interact_on(term)
            };
            let marked = self.answer(ask).await?;
            if !marked.is_empty() {
                return Ok(marked.into_iter().map(|each| choices[each].value.clone()).collect());
            }
        }
    }

    /// Yes or no; Enter alone is no.
    ///
    /// # Errors
    /// If nothing may be asked.
    pub async fn yes(self, flag: &str, prompt: &str) -> Result<bool, Failure> {
        let prompt = self.unless(&None::<String>, flag, prompt)?.unwrap_or_default();
        self.answer(move |theme, term| Confirm::with_theme(theme).with_prompt(prompt).default(false).interact_on(term))
            .await
    }

    /// Whether something that cannot be undone is meant. A script has said what it wants; in agent mode it has to say
    /// so by `--force`.
    ///
    /// # Errors
    /// In agent mode without `force`.
    pub async fn is_meant(self, force: bool) -> Result<bool, Failure> {
        match self.silent {
            _ if force => Ok(true),
            Some(Silence::AgentMode) => Err(Failure::usage("in agent mode nothing is deleted without --force")),
            Some(Silence::NoInput | Silence::NoTerminal) => Ok(true),
            None => self.yes("--force", "Are you sure you want to proceed?").await,
        }
    }

    /// The question, unless there is an answer.
    fn unless<T>(self, given: &Option<T>, flag: &str, prompt: &str) -> Result<Option<String>, Failure> {
        match self.silent {
            _ if given.is_some() => Ok(None),
            None => Ok(Some(prompt.to_owned())),
            Some(silence) => Err(Failure::usage(format!("{flag} is missing, and {}", silence.reason()))
                .hint("say it on the command line; --help shows how")),
        }
    }

    /// Asks on a thread that may wait.
    async fn answer<T: Send + 'static>(
        self,
        ask: impl FnOnce(&dyn Theme, &Term) -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let asked = tokio::task::spawn_blocking(move || {
            let theme: Box<dyn Theme> =
                if self.coloured { Box::new(ColorfulTheme::default()) } else { Box::new(SimpleTheme) };
            let term = if std::io::stderr().is_terminal() { Term::stderr() } else { Term::stdout() };
            let answer = ask(theme.as_ref(), &term);
            if answer.is_err() {
                // A list of choices hides it, and does not bring it back when it is interrupted.
                let _ = term.show_cursor();
            }
            answer
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(dialoguer::Error::IO(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
                Err(Failure::interrupted())
            }
            Ok(Err(error)) => Err(Failure::usage(format!("the terminal cannot be asked: {error}"))),
            Err(stopped) => Err(Failure::usage(format!("the question was not answered: {stopped}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_terminal_what_is_missing_is_an_error_that_names_its_flag() {
        let asking = Asking::new(Some(Silence::NoTerminal), false);
        let failure = asking.text(None, "--name", "Name").await.unwrap_err();
        assert_eq!(failure.message(), "--name is missing, and there is no terminal to ask on");
        assert_eq!(failure.exit().code(), 2);
        assert!(asking.choices(Vec::new(), "--subscriptions", "Types", vec![Choice::of("a")]).await.is_err());
        let given = asking.hidden(Some("x".into()), "--password", "Password").await;
        assert_eq!(given.as_deref(), Ok("x"));
    }

    #[tokio::test]
    async fn deleting_without_a_terminal_is_meant_but_not_in_agent_mode() {
        let asking = |silence| Asking::new(Some(silence), false);
        assert_eq!(asking(Silence::NoTerminal).is_meant(false).await, Ok(true));
        assert_eq!(asking(Silence::AgentMode).is_meant(true).await, Ok(true));
        assert!(asking(Silence::AgentMode).is_meant(false).await.unwrap_err().message().contains("--force"));
    }
}
