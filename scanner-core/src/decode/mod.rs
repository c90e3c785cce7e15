//! Views of encoded content.
pub mod utf16 {
    //! x
    /// x
    #[derive(Debug, Clone, Copy)]
    pub struct Utf16;
    /// x
    pub fn detect(_: &[u8]) -> Option<Utf16> {
        None
    }
    /// x
    pub fn decode(_: &[u8], _: Utf16, _: &mut Vec<u8>) {}
    /// x
    #[derive(Debug)]
    pub struct Mapping;
    impl Mapping {
        /// x
        pub fn new(_: &[u8], _: Utf16) -> Self {
            Self
        }
        /// x
        pub fn original(&self, at: usize) -> usize {
            at
        }
    }
}
