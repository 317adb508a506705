import HTTPTypes

/// Finds the route of a request in a tree of path segments. Immutable after `init`.
///
/// It knows all methods of a path, which is what a 405 with its `Allow` header needs.
struct RouteTable: Sendable {
  private struct Node: Sendable {
    var literals: [Substring: Int] = [:]
    var parameter: Int?
    var routes: [Int] = []
  }

  /// All routes, in the order they were given; a match names one by its index.
  let routes: [Route]
  private var nodes: [Node] = [Node()]

  init(_ routes: [Route]) {
    self.routes = routes
    for (index, route) in routes.enumerated() {
      var node = 0
      for segment in route.segments {
        node = segment.hasPrefix("{") ? parameterChild(of: node) : literalChild(of: node, segment)
      }
      nodes[node].routes.append(index)
    }
  }

  /// What a path and a method lead to.
  enum Match {
    /// The route's index and the values of its `{name}` segments, still percent-encoded.
    case found(Int, parameters: [Substring])
    /// The path exists for other methods.
    case otherMethods(allowed: String)
    case none
  }

  func match(_ method: HTTPRequest.Method, path: Substring) -> Match {
    guard path.hasPrefix("/") else { return .none }
    var parameters: [Substring] = []
    var node = 0
    if path != "/" {
      for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
        if let child = nodes[node].literals[segment] {
          node = child
        } else if let child = nodes[node].parameter, !segment.isEmpty {
          parameters.append(segment)
          node = child
        } else {
          return .none
        }
      }
    }
    let candidates = nodes[node].routes
    guard !candidates.isEmpty else { return .none }
    if let index = candidates.first(where: { routes[$0].method == method }) {
      return .found(index, parameters: parameters)
    }
    if method == .head, let index = candidates.first(where: { routes[$0].method == .get && !routes[$0].isStream }) {
      return .found(index, parameters: parameters)
    }
    return .otherMethods(allowed: allowed(candidates))
  }

  private func allowed(_ candidates: [Int]) -> String {
    var methods = candidates.map { routes[$0].method.rawValue }
    if candidates.contains(where: { routes[$0].method == .get && !routes[$0].isStream }) { methods.append("HEAD") }
    return (methods + ["OPTIONS"]).joined(separator: ", ")
  }

  private mutating func literalChild(of node: Int, _ segment: Substring) -> Int {
    if let child = nodes[node].literals[segment] { return child }
    nodes.append(Node())
    nodes[node].literals[segment] = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func parameterChild(of node: Int) -> Int {
    if let child = nodes[node].parameter { return child }
    nodes.append(Node())
    nodes[node].parameter = nodes.count - 1
    return nodes.count - 1
  }
}
