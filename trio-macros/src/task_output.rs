//! `#[derive(TaskOutput)]`: a type of the user's own as the plain value of a task.
//!
//! ```text
//! #[derive(TaskOutput)]                impl<T> ::trio::TaskOutput for Page<T> {
//! struct Page<T> { … }           =>        type Value = Self;
//!                                          fn into_result(self) -> Result<Self, Error> { Ok(self) }
//!                                          type Raced = Self;
//!                                          fn raced(result: Result<Self, ErrorGroup>) -> Self { … }
//!                                      }
//! ```

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

pub fn derive(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let name = &item.ident;
    let (impl_generics, generics, bounds) = item.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics ::trio::TaskOutput for #name #generics #bounds {
            type Value = Self;

            #[inline]
            fn into_result(self) -> ::core::result::Result<Self, ::trio::Error> {
                ::core::result::Result::Ok(self)
            }

            type Raced = Self;

            #[inline]
            fn raced(result: ::core::result::Result<Self, ::trio::ErrorGroup>) -> Self {
                ::core::result::Result::expect(result, "a plain value is no error")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generics_and_bounds_are_kept() {
        let derived = derive(quote! { struct Page<'a, T: Clone>(&'a T) where T: Copy; });
        let file: syn::ItemImpl = syn::parse2(derived).expect("it is an impl");
        assert_eq!(file.generics.params.len(), 2);
        assert!(file.generics.where_clause.is_some());
    }
}
