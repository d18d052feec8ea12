//! Collects what is wrong, so that the learner sees all of it in one compile.

use quote::ToTokens;
use syn::Error;

/// Everything that is wrong with one attribute and its item.
#[derive(Default)]
#[must_use = "mistakes that nobody looks at are not told"]
pub struct Mistakes(Option<Error>);

impl Mistakes {
    /// A mistake that is all of `place`.
    pub fn add(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.push(Error::new_spanned(place, message));
    }

    /// What a parser says.
    pub fn push(&mut self, mistake: Error) {
        match &mut self.0 {
            Some(earlier) => earlier.combine(mistake),
            None => self.0 = Some(mistake),
        }
    }

    pub fn into_error(self) -> Option<Error> {
        self.0
    }
}
