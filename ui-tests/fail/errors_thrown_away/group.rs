use trio::ErrorGroup;

fn first(group: ErrorGroup) -> trio::Error {
    group[0].into()
}

fn into_first(group: ErrorGroup) -> trio::Error {
    group.into_first()
}

fn main() {}
