//! The command-line client of Headwater: it speaks HTTP to a server, nothing else.
