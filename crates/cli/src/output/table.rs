//! Tables without lines, and labels with their values.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

/// What stands between two columns.
const GAP: &str = "  ";

/// A table: the names of the columns in capitals, then a line a row.
pub(crate) fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let header = columns.iter().map(|name| name.to_uppercase()).collect();
    let rows = rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect());
    aligned(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

/// Labels and values, one a line.
pub(crate) fn labels(rows: &[(&str, String)]) -> String {
    aligned(&rows.iter().map(|(label, value)| vec![(*label).to_owned(), visible(value)]).collect::<Vec<_>>())
}

fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let padding = " ".repeat(width - cell.width());
            line.extend([cell, &padding, GAP]);
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// What somebody else wrote must not move the cursor of whoever reads it.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for each in text.chars() {
        if each.is_control() { shown.extend(each.escape_default()) } else { shown.push(each) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![vec!["est_1".into(), "日本".into(), "x".into()], vec!["e".into(), String::new(), "y".into()]];
        assert_eq!(table(&["ID", "Name", "Type"], &rows), "ID     NAME  TYPE\nest_1  日本  x\ne            y\n");
    }

    #[test]
    fn labels_stand_before_their_values() {
        let rows = [("ID", "est_1".to_owned()), ("SUBSCRIPTIONS", "a, b".to_owned()), ("NAME", String::new())];
        assert_eq!(labels(&rows), "ID             est_1\nSUBSCRIPTIONS  a, b\nNAME\n");
    }

    #[test]
    fn what_would_move_the_cursor_is_written_out() {
        assert_eq!(labels(&[("A", "x\u{1b}[2J\ny".into())]), "A  x\\u{1b}[2J\\ny\n");
    }
}
