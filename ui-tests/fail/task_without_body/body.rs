trait Program {
    #[trio::main]
    async fn main();

    #[trio::test]
    async fn works();
}

fn main() {}
