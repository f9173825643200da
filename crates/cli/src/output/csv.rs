//! Comma-separated values.

/// The columns' names, then a line a row.
pub(super) fn csv(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(columns).and_then(|()| rows.iter().try_for_each(|row| writer.write_record(row)));
    written.expect("every row has the columns, and memory takes it");
    let bytes = writer.into_inner().expect("memory takes it");
    String::from_utf8(bytes).expect("texts are UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_misread_is_quoted() {
        let rows = vec![vec!["est_1".to_owned(), "a, \"b\"".to_owned()]];
        assert_eq!(csv(&["ID", "Event Type"], &rows), "ID,Event Type\nest_1,\"a, \"\"b\"\"\"\n");
        assert_eq!(csv(&["ID"], &[]), "ID\n");
    }
}
