//! The receiver as it is started. How it takes events in is shown by the server's stories.

use std::process::Command;

#[test]
fn it_does_not_start_without_knowing_whom_to_trust() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-receiver"));
    command.env_remove("RECEIVER_TOKEN").env_remove("RECEIVER_SECRET");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("set RECEIVER_TOKEN"), "{output:?}");
}
