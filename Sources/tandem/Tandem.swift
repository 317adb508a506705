import ArgumentParser

@main
struct Tandem: AsyncParsableCommand {
}
