//! Random bytes from the operating system.

use domain::clock::Entropy;

/// The cryptographic generator that the operating system seeds.
#[derive(Debug)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("a generator that was seeded once does not fail");
    }
}
