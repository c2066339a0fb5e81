//! A range of wall time in slices, so small that a page holds all rows of one.
//!
//! Ordering a range would make MariaDB read and sort all of it for each page. Slices need no order: a statement reads at
//! most one row more than a page, and the table is locked for no longer than that takes.

use chrono::{NaiveDateTime, TimeDelta};

use super::clock::Wall;

const FIRST: i64 = 15 * 60;
const WIDEST: i64 = 86_400;

#[derive(Debug, Clone)]
pub struct Slices {
    at: NaiveDateTime,
    end: NaiveDateTime,
    /// Seconds.
    width: i64,
    /// Rows that a page may hold.
    page: usize,
}

impl Slices {
    pub fn new(wall: Wall, page: usize) -> Slices {
        Slices { at: wall.from, end: wall.to, width: FIRST, page: page.max(1) }
    }

    /// The next slice, or the last one again in a smaller size.
    pub fn slice(&self) -> Option<Wall> {
        let to = (self.at + TimeDelta::seconds(self.width)).min(self.end);
        (self.at < self.end).then_some(Wall { from: self.at, to })
    }

    /// Of the page size and one more: a page that came full may have left rows behind.
    pub fn limit(&self) -> usize {
        self.page + 1
    }

    /// Whether so many rows were all of the slice. If not, the next slice is smaller.
    pub fn is_whole(&mut self, rows: usize) -> bool {
        if rows <= self.page {
            return true;
        }
        let taken = self.slice().map_or(1, |slice| (slice.to - slice.from).num_seconds());
        self.width = (taken / 4).max(1);
        false
    }

    /// The slice is one second, which is as small as they get.
    pub fn is_smallest(&self) -> bool {
        self.slice().is_some_and(|slice| slice.to - slice.from <= TimeDelta::seconds(1))
    }

    /// The slice is done; the next one is so wide that rows of the same density fill three quarters of a page.
    pub fn done(&mut self, rows: usize) {
        let Some(slice) = self.slice() else { return };
        self.at = slice.to;
        let fits = self.width * (self.page as i64 * 3 / 4) / rows.max(1) as i64;
        self.width = fits.clamp(self.width / 2, self.width * 2).clamp(1, WIDEST);
    }
}

#[cfg(test)]
#[path = "slice_tests.rs"]
mod tests;
