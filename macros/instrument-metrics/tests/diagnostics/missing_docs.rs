pub mod handlers {
    #![warn(missing_docs)]
    use super::*;

    #[get("/a")]
    #[instrument_metrics]
    pub async fn below() -> String {
        String::new()
    }

    #[instrument_metrics]
    pub async fn alone() -> String {
        String::new()
    }

    #[instrument_metrics]
    impl super::Memos {
        pub async fn of_a_block() -> String {
            String::new()
        }
    }
}

/// Documented.
pub struct Memos;
