fn main() {
    println!("{:#}", fairleader_api::openapi::document());
}
