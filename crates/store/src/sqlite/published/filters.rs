//! Bloom filters of the runs, laid out so that one look tells of 64 runs.
//!
//! With a filter a run, a key would be looked for in each of them: at ten million events 150 filters, each a
//! few cache misses. All filters have the same size and take the same bits for a key, so they are kept bit by
//! bit beside one another: a row of a [`Block`] holds one bit of 64 filters. A lookup joins [`PROBES`] rows of
//! each block. Sixteen bits a key make one lookup in 1700 of each run a false positive, two bytes an event.

use std::collections::BTreeMap;

use domain::publish::PublishKey;

/// Bits of a filter for each position of the log that its run covers.
const BITS_PER_POSITION: u64 = 16;
/// Bits of a filter that a key sets.
const PROBES: u64 = 8;
const BLOCK_RUNS: u64 = u64::BITS as u64;

/// The filter of one run.
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    /// The filter as it is stored.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().copied().flat_map(u64::to_le_bytes).collect()
    }
}

/// The filters of 64 runs: bit r of row i is bit i of the filter of run r.
struct Block {
    live: u64,
    rows: Box<[u64]>,
}

/// The filters of all runs.
pub(super) struct Filters {
    /// A filter has two to the power of this many bits.
    bits_log2: u32,
    blocks: BTreeMap<u64, Block>,
}

impl Filters {
    /// Filters for runs over so many positions of the log, a power of two.
    pub(super) fn new(run_positions: u64) -> Self {
        Self { bits_log2: (run_positions * BITS_PER_POSITION).ilog2(), blocks: BTreeMap::new() }
    }

    fn bits(&self) -> usize {
        1 << self.bits_log2
    }

    /// The bits that a key sets. The key is a digest, so its halves serve as two independent hashes.
    fn probes(&self, key: PublishKey) -> [usize; PROBES as usize] {
        let (first, step) = ((key.number() >> 64) as u64, key.number() as u64 | 1);
        let shift = u64::BITS - self.bits_log2;
        std::array::from_fn(|probe| (first.wrapping_add(step.wrapping_mul(probe as u64)) >> shift) as usize)
    }

    /// The filter of a run with these keys; none for a run without keys.
    pub(super) fn filter_of(&self, keys: &[PublishKey]) -> Option<Filter> {
        if keys.is_empty() {
            return None;
        }
        let mut words = vec![0_u64; self.bits().div_ceil(64)].into_boxed_slice();
        for bit in keys.iter().flat_map(|key| self.probes(*key)) {
            words[bit / 64] |= 1 << (bit % 64);
        }
        Some(Filter(words))
    }

    /// A filter as it was stored, if it has the right size.
    pub(super) fn filter_from(&self, bytes: &[u8]) -> Option<Filter> {
        let (words, rest) = bytes.as_chunks();
        let fits = rest.is_empty() && words.len() == self.bits().div_ceil(64);
        fits.then(|| Filter(words.iter().copied().map(u64::from_le_bytes).collect()))
    }

    /// Adds the filter of a run.
    pub(super) fn add(&mut self, run: u64, filter: &Filter) {
        let rows = self.bits();
        let empty = || Block { live: 0, rows: vec![0; rows].into_boxed_slice() };
        let block = self.blocks.entry(run / BLOCK_RUNS).or_insert_with(empty);
        let column = 1 << (run % BLOCK_RUNS);
        block.live |= column;
        for (rows, word) in block.rows.chunks_mut(64).zip(&filter.0) {
            let mut left = *word;
            while left != 0 {
                rows[left.trailing_zeros() as usize] |= column;
                left &= left - 1;
            }
        }
    }

    /// Forgets the filters of the runs before `run`.
    pub(super) fn forget_below(&mut self, run: u64) {
        self.blocks = self.blocks.split_off(&(run / BLOCK_RUNS));
        if let Some(block) = self.blocks.get_mut(&(run / BLOCK_RUNS)) {
            block.live &= u64::MAX << (run % BLOCK_RUNS);
        }
    }

    /// The runs that may hold a key, newest first; every run that does is among them.
    pub(super) fn candidates(&self, key: PublishKey) -> impl Iterator<Item = u64> {
        let probes = self.probes(key);
        self.blocks.iter().rev().flat_map(move |(number, block)| {
            // All rows are fetched whatever the first ones say: waiting for each in turn would take longer.
            let mut columns = probes.iter().fold(block.live, |columns, probe| columns & block.rows[*probe]);
            std::iter::from_fn(move || {
                let column = columns.checked_ilog2()?;
                columns ^= 1 << column;
                Some(number * BLOCK_RUNS + u64::from(column))
            })
        })
    }

    /// Bytes that the filters take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.blocks.values().map(|block| block.rows.len() * 8).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> PublishKey {
        // SplitMix64, twice: as evenly distributed as a digest.
        let mix = |mut number: u64| {
            number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u128::from(number ^ (number >> 31))
        };
        let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        PublishKey::from_number(mix(number) << 64 | mix(number ^ 0xabcd))
    }

    #[test]
    fn every_run_that_holds_a_key_is_found_and_few_others() {
        const POSITIONS: u64 = 1024;
        const RUNS: u64 = 150;
        let mut filters = Filters::new(POSITIONS);
        for run in 0..RUNS {
            let keys: Vec<_> = (run * POSITIONS..(run + 1) * POSITIONS).map(key).collect();
            let filter = filters.filter_of(&keys).unwrap();
            let stored = filters.filter_from(&filter.to_bytes()).unwrap();
            filters.add(run, &stored);
        }
        let false_positives: usize = (0..RUNS * POSITIONS)
            .map(|number| {
                let found: Vec<_> = filters.candidates(key(number)).collect();
                assert!(found.contains(&(number / POSITIONS)), "key {number} is in none of {found:?}");
                assert!(found.is_sorted_by(|one, other| one > other));
                found.len() - 1
            })
            .sum();
        let expected = (RUNS * POSITIONS * RUNS / 1700) as usize;
        assert!((expected / 2..expected * 2).contains(&false_positives), "{false_positives} of about {expected}");
        assert_eq!(filters.bytes() as u64, 192 * POSITIONS * BITS_PER_POSITION / 8);
    }

    #[test]
    fn what_is_forgotten_is_no_candidate_and_takes_no_room() {
        let mut filters = Filters::new(64);
        let keys = [key(1), key(2)];
        for run in [0, 5, 63, 64, 70, 200] {
            let filter = filters.filter_of(&keys).unwrap();
            filters.add(run, &filter);
        }
        let block = filters.bytes() / 3;
        let left = |filters: &Filters| filters.candidates(key(1)).collect::<Vec<_>>();
        assert_eq!(left(&filters), [200, 70, 64, 63, 5, 0]);
        filters.forget_below(6);
        assert_eq!(left(&filters), [200, 70, 64, 63]);
        filters.forget_below(70);
        assert_eq!((left(&filters), filters.bytes()), (vec![200, 70], 2 * block));
        filters.forget_below(201);
        assert!(left(&filters).is_empty());
        filters.forget_below(1000);
        assert_eq!(filters.bytes(), 0);
    }

    #[test]
    fn a_filter_of_another_size_is_refused() {
        let filters = Filters::new(64);
        let stored = filters.filter_of(&[key(1)]).unwrap().to_bytes();
        assert!(filters.filter_from(&stored[1..]).is_none() && filters.filter_from(&[]).is_none());
        assert!(Filters::new(128).filter_from(&stored).is_none());
        assert!(filters.filter_of(&[]).is_none());
    }
}
