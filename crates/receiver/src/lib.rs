//! A ready receiver of webhooks: what a program at the other end of an event stream has to do, done.
//!
//! It checks authorization and signature (`check.rs`, `signature.rs`), takes each event in once and in the order of
//! time (`users.rs`), and so keeps a table of users current, in SQLite or in PostgreSQL: the SQL of each is in one file.
//! It sees nothing of the server but the domain's words, as any receiver could be written.

mod arrival;
mod check;
mod postgres;
mod reception;
mod server;
mod signature;
mod sqlite;
mod users;

pub use check::Check;
pub use reception::{Reception, Told};
pub use server::serve;
pub use signature::VerificationKey;
pub use users::{Taken, Users, UsersError};
