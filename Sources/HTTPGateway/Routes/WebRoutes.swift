import HTTPTypes
import NIOCore

/// The web page: a handful of files in the binary, nothing from anywhere else.
extension RouteSet {
  var webRoutes: [Route] {
    [
      Route(.get, "/") { _ in .page },
      Route(.get, "/s/{id}") { _ in .page },
      Route(.get, "/web/{name}") { request in
        guard let file = WebFiles.assets[String(request.parameters[0])] else { throw GatewayError.routeNotFound }
        return .asset(file.bytes, file.type)
      },
    ]
  }
}

/// The embedded files, made into buffers once.
enum WebFiles {
  static let page = ByteBuffer(bytes: PackageResources.index_html)
  static let openAPI = ByteBuffer(bytes: PackageResources.openapi_json)
  static let scripts: [(name: String, file: ByteBuffer)] = [
    ("actions.js", ByteBuffer(bytes: PackageResources.actions_js)),
    ("announce.js", ByteBuffer(bytes: PackageResources.announce_js)),
    ("ansi.js", ByteBuffer(bytes: PackageResources.ansi_js)),
    ("api.js", ByteBuffer(bytes: PackageResources.api_js)),
    ("app.js", ByteBuffer(bytes: PackageResources.app_js)),
    ("attach.js", ByteBuffer(bytes: PackageResources.attach_js)),
    ("attention.js", ByteBuffer(bytes: PackageResources.attention_js)),
    ("commands.js", ByteBuffer(bytes: PackageResources.commands_js)),
    ("composer.js", ByteBuffer(bytes: PackageResources.composer_js)),
    ("controls.js", ByteBuffer(bytes: PackageResources.controls_js)),
    ("credentials.js", ByteBuffer(bytes: PackageResources.credentials_js)),
    ("decisions.js", ByteBuffer(bytes: PackageResources.decisions_js)),
    ("dialog.js", ByteBuffer(bytes: PackageResources.dialog_js)),
    ("diff.js", ByteBuffer(bytes: PackageResources.diff_js)),
    ("diffview.js", ByteBuffer(bytes: PackageResources.diffview_js)),
    ("digest.js", ByteBuffer(bytes: PackageResources.digest_js)),
    ("errors.js", ByteBuffer(bytes: PackageResources.errors_js)),
    ("events.js", ByteBuffer(bytes: PackageResources.events_js)),
    ("growing.js", ByteBuffer(bytes: PackageResources.growing_js)),
    ("header.js", ByteBuffer(bytes: PackageResources.header_js)),
    ("highlight.js", ByteBuffer(bytes: PackageResources.highlight_js)),
    ("inline.js", ByteBuffer(bytes: PackageResources.inline_js)),
    ("keys.js", ByteBuffer(bytes: PackageResources.keys_js)),
    ("lists.js", ByteBuffer(bytes: PackageResources.lists_js)),
    ("manage.js", ByteBuffer(bytes: PackageResources.manage_js)),
    ("markdown.js", ByteBuffer(bytes: PackageResources.markdown_js)),
    ("model.js", ByteBuffer(bytes: PackageResources.model_js)),
    ("morph.js", ByteBuffer(bytes: PackageResources.morph_js)),
    ("names.js", ByteBuffer(bytes: PackageResources.names_js)),
    ("news.js", ByteBuffer(bytes: PackageResources.news_js)),
    ("outbox.js", ByteBuffer(bytes: PackageResources.outbox_js)),
    ("page.js", ByteBuffer(bytes: PackageResources.page_js)),
    ("panels.js", ByteBuffer(bytes: PackageResources.panels_js)),
    ("parts.js", ByteBuffer(bytes: PackageResources.parts_js)),
    ("people.js", ByteBuffer(bytes: PackageResources.people_js)),
    ("qr.js", ByteBuffer(bytes: PackageResources.qr_js)),
    ("questions.js", ByteBuffer(bytes: PackageResources.questions_js)),
    ("share.js", ByteBuffer(bytes: PackageResources.share_js)),
    ("steady.js", ByteBuffer(bytes: PackageResources.steady_js)),
    ("steps.js", ByteBuffer(bytes: PackageResources.steps_js)),
    ("text.js", ByteBuffer(bytes: PackageResources.text_js)),
    ("timeline.js", ByteBuffer(bytes: PackageResources.timeline_js)),
    ("toolcalls.js", ByteBuffer(bytes: PackageResources.toolcalls_js)),
    ("turns.js", ByteBuffer(bytes: PackageResources.turns_js)),
    ("turnview.js", ByteBuffer(bytes: PackageResources.turnview_js)),
  ]
  static let styles: [(name: String, file: ByteBuffer)] = [
    ("base.css", ByteBuffer(bytes: PackageResources.base_css)),
    ("layout.css", ByteBuffer(bytes: PackageResources.layout_css)),
    ("timeline.css", ByteBuffer(bytes: PackageResources.timeline_css)),
    ("side.css", ByteBuffer(bytes: PackageResources.side_css)),
  ]
  /// Every script and style sheet with its media type, by its name.
  static let assets: [String: (bytes: ByteBuffer, type: String)] = {
    let typed =
      scripts.map { ($0.name, ($0.file, "text/javascript; charset=utf-8")) }
      + styles.map { ($0.name, ($0.file, "text/css; charset=utf-8")) }
    return Dictionary(uniqueKeysWithValues: typed)
  }()
}

extension Reply {
  /// Nothing but this node's own files runs, nothing may frame the page, and its address, which names the session,
  /// is told to nobody.
  private static let contentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  fileprivate static let page = page(status: .ok)

  /// What a person sees where nothing is; programs get the error body.
  static let pageNotFound = page(status: .notFound)

  private static func page(status: HTTPResponse.Status) -> Reply {
    .bytes(
      WebFiles.page, type: "text/html; charset=utf-8", status: status,
      headers: [
        .contentSecurityPolicy: contentSecurityPolicy, .contentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
        .cacheControl: "no-cache",
      ])
  }

  fileprivate static func asset(_ file: ByteBuffer, _ type: String) -> Reply {
    .bytes(file, type: type, headers: [.contentTypeOptions: "nosniff", .cacheControl: "no-cache"])
  }
}
