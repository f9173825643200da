//! The command-line client of Headwater: it speaks HTTP to a server, nothing else.
//!
//! It must never see the store, delivery or the server's own types: it can do only what any client can.
//! [`ClientCommand`] lists the families of commands, [`Session`] is what each gets to work with. Results go to standard
//! output (`output.rs`), everything else that is said to standard error (`messages.rs`). [`ManagementClient`] is the
//! Management API as the commands (and the demo) use it. The surroundings come in as values: the binary reads them.

mod api;
mod apps;
mod asking;
mod client;
mod command;
mod connection;
mod document;
mod entity;
mod events;
mod events_api;
mod exit;
mod interrupts;
mod json;
mod listen;
mod login;
mod messages;
mod orgs;
mod output;
mod palette;
mod path;
mod profile_commands;
pub mod profiles;
mod progress;
mod session;
mod surroundings;
mod users;

pub use client::{ClientError, ManagementClient, Reply};
pub use command::{ClientCommand, Family};
pub use connection::{Connection, Credentials};
pub use exit::{Exit, Failure};
pub use json::indent;
pub use palette::{Palette, Style};
pub use session::Session;
pub use surroundings::Surroundings;
