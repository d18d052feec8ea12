//! Where a handler becomes two functions, which of its attributes each of them has.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Attributes of the function that is called by actix-web: what others see of it.
pub struct Divided {
    pub wrapper: Vec<TokenStream>,
    /// Of the function that has the learner's body.
    pub body: Vec<TokenStream>,
}

/// Lints that look at a function from outside: at its name, its signature, and whether it is used.
const OF_THE_SIGNATURE: [&str; 9] = [
    "dead_code",
    "missing_docs",
    "non_snake_case",
    "private_bounds",
    "private_interfaces",
    "too_many_arguments",
    "unreachable_pub",
    "unused",
    "warnings",
];

/// Divides a handler's attributes.
///
/// Levels of lints are both functions'. But `#[expect(…)]` is only where the lint can fire: on the
/// other function it is `#[allow(…)]`, so that it is not unfulfilled there. Attributes that somebody
/// else expands, such as tracing's, are to see the learner's function.
pub fn divide(attributes: &[Attribute]) -> Divided {
    let mut divided = Divided { wrapper: Vec::new(), body: Vec::new() };
    for attribute in attributes {
        let (wrapper, body) = divide_meta(&attribute.meta);
        let whole = |meta: TokenStream| quote!(#[#meta]);
        divided.wrapper.extend(wrapper.into_iter().map(whole));
        divided.body.extend(body.into_iter().map(whole));
    }
    divided
}

fn divide_meta(meta: &Meta) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let name = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
    let whole = || vec![meta.to_token_stream()];
    match name.as_str() {
        "doc" | "must_use" | "deprecated" | "inline" | "cold" | "track_caller" => {
            (whole(), Vec::new())
        }
        "allow" | "warn" | "deny" | "forbid" | "cfg" => (whole(), whole()),
        "expect" => divide_expectation(meta).unwrap_or_else(|| (whole(), whole())),
        "cfg_attr" => divide_conditional(meta).unwrap_or_else(|| (whole(), whole())),
        _ => (Vec::new(), whole()),
    }
}

fn divide_expectation(meta: &Meta) -> Option<(Vec<TokenStream>, Vec<TokenStream>)> {
    let list = meta.require_list().ok()?;
    let arguments = Punctuated::<TokenStream, Token![,]>::parse_terminated_with;
    let parts = Parser::parse2(
        |input: syn::parse::ParseStream| arguments(input, argument),
        list.tokens.clone(),
    )
    .ok()?;
    let is_reason = |part: &&TokenStream| part.to_string().starts_with("reason =");
    let reason: Vec<_> = parts.iter().filter(is_reason).collect();
    let lints = parts.iter().filter(|part| !is_reason(part));
    let (outside, inside): (Vec<_>, Vec<_>) = lints.partition(|lint| {
        let path = lint.to_string();
        OF_THE_SIGNATURE.iter().any(|name| path.rsplit(' ').next() == Some(name))
    });
    let level = |level: TokenStream, lints: &[&TokenStream]| {
        (!lints.is_empty()).then(|| quote!(#level(#(#lints,)* #(#reason),*)))
    };
    let wrapper = [level(quote!(expect), &outside), level(quote!(allow), &inside)];
    let body = [level(quote!(allow), &outside), level(quote!(expect), &inside)];
    Some((wrapper.into_iter().flatten().collect(), body.into_iter().flatten().collect()))
}

/// Tokens up to the next comma.
fn argument(input: syn::parse::ParseStream) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

fn divide_conditional(meta: &Meta) -> Option<(Vec<TokenStream>, Vec<TokenStream>)> {
    let list = meta.require_list().ok()?;
    let read = |input: syn::parse::ParseStream| {
        let condition = argument(input)?;
        input.parse::<Token![,]>()?;
        Ok((condition, Punctuated::<Meta, Token![,]>::parse_terminated(input)?))
    };
    let (condition, metas) = read.parse2(list.tokens.clone()).ok()?;
    let divided = metas.iter().map(divide_meta);
    let (wrapper, body): (Vec<_>, Vec<_>) = divided.unzip();
    let conditional = |metas: Vec<Vec<TokenStream>>| {
        let metas: Vec<_> = metas.into_iter().flatten().collect();
        if metas.is_empty() { Vec::new() } else { vec![quote!(cfg_attr(#condition, #(#metas),*))] }
    };
    Some((conditional(wrapper), conditional(body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn divided(attribute: &Attribute) -> (String, String) {
        let Divided { wrapper, body } = divide(std::slice::from_ref(attribute));
        let text = |tokens: Vec<TokenStream>| tokens.iter().map(ToString::to_string).collect();
        (text(wrapper), text(body))
    }

    #[test]
    fn an_expectation_stays_where_its_lint_can_fire() {
        let table: [(Attribute, &str, &str); 7] = [
            (parse_quote!(#[doc = "a"]), "# [doc = \"a\"]", ""),
            (parse_quote!(#[allow(unused)]), "# [allow (unused)]", "# [allow (unused)]"),
            (parse_quote!(#[tracing::instrument(err)]), "", "# [tracing :: instrument (err)]"),
            (
                parse_quote!(#[expect(unused_variables)]),
                "# [allow (unused_variables ,)]",
                "# [expect (unused_variables ,)]",
            ),
            (
                parse_quote!(#[expect(dead_code, clippy::too_many_lines, reason = "r")]),
                "# [expect (dead_code , reason = \"r\")]# [allow (clippy :: too_many_lines , reason = \"r\")]",
                "# [allow (dead_code , reason = \"r\")]# [expect (clippy :: too_many_lines , reason = \"r\")]",
            ),
            (
                parse_quote!(#[cfg_attr(test, expect(unused_mut), deprecated)]),
                "# [cfg_attr (test , allow (unused_mut ,) , deprecated)]",
                "# [cfg_attr (test , expect (unused_mut ,))]",
            ),
            (parse_quote!(#[cfg(test)]), "# [cfg (test)]", "# [cfg (test)]"),
        ];
        for (attribute, wrapper, body) in table {
            assert_eq!(divided(&attribute), (wrapper.to_owned(), body.to_owned()));
        }
    }
}
