import HTTPTypes
import NIOCore

/// The web page: a handful of files in the binary, nothing from anywhere else.
extension RouteSet {
  var webRoutes: [Route] {
    [
      Route(.get, "/") { _ in .page },
      Route(.get, "/s/{id}") { _ in .page },
      Route(.get, "/web/app.css") { _ in .asset(WebFiles.styles, "text/css; charset=utf-8") },
    ]
      + WebFiles.scripts.map { name, file in
        Route(.get, "/web/\(name)") { _ in .asset(file, "text/javascript; charset=utf-8") }
      }
  }
}

/// The embedded files, made into buffers once.
enum WebFiles {
  static let page = ByteBuffer(bytes: PackageResources.index_html)
  static let styles = ByteBuffer(bytes: PackageResources.app_css)
  static let openAPI = ByteBuffer(bytes: PackageResources.openapi_json)
  static let scripts: [(name: String, file: ByteBuffer)] = [
    ("app.js", ByteBuffer(bytes: PackageResources.app_js)),
    ("actions.js", ByteBuffer(bytes: PackageResources.actions_js)),
    ("api.js", ByteBuffer(bytes: PackageResources.api_js)),
    ("credentials.js", ByteBuffer(bytes: PackageResources.credentials_js)),
    ("decisions.js", ByteBuffer(bytes: PackageResources.decisions_js)),
    ("dialog.js", ByteBuffer(bytes: PackageResources.dialog_js)),
    ("digest.js", ByteBuffer(bytes: PackageResources.digest_js)),
    ("errors.js", ByteBuffer(bytes: PackageResources.errors_js)),
    ("lists.js", ByteBuffer(bytes: PackageResources.lists_js)),
    ("manage.js", ByteBuffer(bytes: PackageResources.manage_js)),
    ("model.js", ByteBuffer(bytes: PackageResources.model_js)),
    ("page.js", ByteBuffer(bytes: PackageResources.page_js)),
    ("parts.js", ByteBuffer(bytes: PackageResources.parts_js)),
    ("people.js", ByteBuffer(bytes: PackageResources.people_js)),
    ("steady.js", ByteBuffer(bytes: PackageResources.steady_js)),
    ("text.js", ByteBuffer(bytes: PackageResources.text_js)),
    ("toolcalls.js", ByteBuffer(bytes: PackageResources.toolcalls_js)),
    ("view.js", ByteBuffer(bytes: PackageResources.view_js)),
  ]
}

extension Reply {
  /// Nothing but this node's own files runs, nothing may frame the page, and its address, which names the session,
  /// is told to nobody.
  private static let contentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  fileprivate static let page = Reply.bytes(
    WebFiles.page, type: "text/html; charset=utf-8",
    headers: [
      .contentSecurityPolicy: contentSecurityPolicy, .contentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
      .cacheControl: "no-cache",
    ])

  fileprivate static func asset(_ file: ByteBuffer, _ type: String) -> Reply {
    .bytes(file, type: type, headers: [.contentTypeOptions: "nosniff", .cacheControl: "no-cache"])
  }
}
