//! Whatever stands in the parentheses and under the attribute: it never panics, and what comes out
//! is an error or can be read.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::collection::vec;
use proptest::prelude::*;
use quote::quote;
use syn::parse::{ParseStream, Parser};

use crate::expand::instrument_metrics;
use crate::handler::Handler;
use crate::impl_block::ImplBlock;

/// Words that mean something to the parsers, and some that do not.
const WORDS: [&str; 34] = [
    "aborted",
    "as",
    "async",
    "await",
    "bar",
    "buckets",
    "cfg",
    "const",
    "crate",
    "dyn",
    "fn",
    "for",
    "foo",
    "handler",
    "heap",
    "impl",
    "in_flight",
    "instrument_metrics",
    "labels",
    "let",
    "mut",
    "name",
    "pub",
    "ref",
    "self",
    "Self",
    "skip",
    "skip_metrics",
    "static",
    "struct",
    "team",
    "unsafe",
    "where",
    "_",
];

fn token() -> impl Strategy<Value = TokenTree> {
    let word = proptest::sample::select(&WORDS[..])
        .prop_map(|word| TokenTree::Ident(Ident::new(word, Span::call_site())));
    let spacing = prop_oneof![Just(Spacing::Alone), Just(Spacing::Joint)];
    let punct = (proptest::sample::select(&b"=,;:<>-!#&*+.?'@|$/^%~"[..]), spacing).prop_map(
        |(byte, spacing)| match byte {
            // A quote of its own is no token: a lifetime follows it.
            b'\'' => Punct::new('\'', Spacing::Joint).into(),
            byte => Punct::new(char::from(byte), spacing).into(),
        },
    );
    let text = any::<String>().prop_map(|text| Literal::string(&text).into());
    let float = any::<f64>()
        .prop_filter("a literal is finite", |float| float.is_finite())
        .prop_map(|float| Literal::f64_unsuffixed(float.abs()).into());
    let int = any::<u64>().prop_map(|int| Literal::u64_unsuffixed(int).into());
    let leaf = prop_oneof![6 => word, 4 => punct, 1 => text, 1 => float, 1 => int];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let delimiter = prop_oneof![
            Just(Delimiter::Parenthesis),
            Just(Delimiter::Brace),
            Just(Delimiter::Bracket),
            Just(Delimiter::None),
        ];
        (delimiter, vec(inner, 0..6)).prop_map(|(delimiter, tokens)| {
            Group::new(delimiter, tokens.into_iter().collect()).into()
        })
    })
}

fn tokens() -> impl Strategy<Value = TokenStream> {
    vec(token(), 0..10).prop_map(|tokens| tokens.into_iter().collect())
}

/// Options of about the right form.
fn options() -> impl Strategy<Value = TokenStream> {
    let option = (proptest::sample::select(&WORDS[..]), any::<bool>(), tokens()).prop_map(
        |(word, listed, tokens)| {
            let word = Ident::new(word, Span::call_site());
            if listed { quote!(#word(#tokens),) } else { quote!(#word = #tokens,) }
        },
    );
    vec(option, 0..4).prop_map(|options| options.into_iter().collect())
}

/// A function of about the right form, its body anything.
fn function() -> impl Strategy<Value = TokenStream> {
    let attribute = prop_oneof![
        Just(quote!()),
        Just(quote!(#[get("/")])),
        Just(quote!(#[skip_metrics])),
        Just(quote!(#[instrument_metrics])),
        Just(quote!(#[expect(unused)])),
    ];
    let head = prop_oneof![
        Just(quote!(async fn handler)),
        Just(quote!(pub async fn handler)),
        Just(quote!(fn handler)),
        Just(quote!(async unsafe fn r#type)),
    ];
    let generics =
        prop_oneof![Just(quote!()), Just(quote!(<T: Foo, const N: usize>)), Just(quote!(<'a, T>)),];
    let argument = prop_oneof![
        Just(quote!(id: web::Path<u64>,)),
        Just(quote!(web::Json((a, b)): web::Json<T>,)),
        Just(quote!(handler: T,)),
        Just(quote!(_: Data<Self>,)),
        Just(quote!(&self,)),
        Just(quote!(#[cfg(test)] mut x: [u8; N],)),
    ];
    let answer = prop_oneof![
        Just(quote!()),
        Just(quote!(-> String)),
        Just(quote!(-> impl Responder + 'static)),
        Just(quote!(-> Result<Self, (T, [u8; 3])> where T: Foo)),
    ];
    (attribute, head, generics, vec(argument, 0..3), answer, tokens()).prop_map(
        |(attribute, head, generics, arguments, answer, body)| {
            quote!(#attribute #head #generics (#(#arguments)*) #answer { #body })
        },
    )
}

fn implementation() -> impl Strategy<Value = TokenStream> {
    let head = prop_oneof![
        Just(quote!(impl Memos)),
        Just(quote!(impl<'a, T: Foo, const N: usize> Memos<'a, T, N> where T: 'a)),
        Just(quote!(#[cfg(test)] impl Service for Memos)),
        Just(quote!(unsafe impl Memos)),
    ];
    (head, vec(prop_oneof![3 => function(), 1 => tokens()], 0..4))
        .prop_map(|(head, items)| quote!(#head { #(#items)* }))
}

/// The promise: an error, or something that can be read again.
fn check(arguments: TokenStream, item: TokenStream) {
    let expansion = instrument_metrics(arguments, item.clone());
    let text = expansion.to_string();
    // A handler that names `Self` becomes two functions.
    let handlers = |input: ParseStream| {
        input.parse::<Handler>()?;
        if input.is_empty() { Ok(()) } else { input.parse::<Handler>().map(drop) }
    };
    let read =
        handlers.parse2(expansion.clone()).is_ok() || ImplBlock::read(expansion.clone()).is_ok();
    assert!(read || text.contains("compile_error"), "{text}");
    // Where the item was Rust all through, so is what comes out, with its errors or without.
    if syn::parse2::<syn::Item>(item).is_ok() && !text.contains("skip_metrics") {
        assert!(syn::parse2::<syn::File>(expansion).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn arbitrary_options(arguments in prop_oneof![tokens(), options()]) {
        check(arguments.clone(), quote!(async fn handler() -> String { String::new() }));
        check(arguments, quote!(impl Memos { async fn handler() -> Self { Self } }));
    }

    #[test]
    fn arbitrary_items(item in tokens()) {
        check(quote!(name = "x"), item);
    }

    #[test]
    fn arbitrary_functions(arguments in options(), item in function()) {
        check(quote!(), item.clone());
        check(arguments, item);
    }

    #[test]
    fn arbitrary_impl_blocks(arguments in options(), item in implementation()) {
        check(quote!(), item.clone());
        check(arguments, item);
    }

    #[test]
    fn arbitrary_text(text in "[a-z_\"'=,(){}<>:#!&;. 0-9-]{0,60}") {
        if let Ok(tokens) = text.parse::<TokenStream>() {
            check(tokens.clone(), quote!(async fn handler() -> String { String::new() }));
            check(quote!(), tokens);
        }
    }
}
