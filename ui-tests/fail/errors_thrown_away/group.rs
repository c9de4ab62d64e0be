use trio::ErrorGroup;

fn first(group: ErrorGroup) -> trio::Error {
    group[0].into()
}

fn first_of(group: ErrorGroup) -> trio::Error {
    group.first()
}

fn main() {}
