"""Which of our modules and names stand for Flask's and Werkzeug's: data only.

Homes are modules of ours, named relative to the package. ``theirs=ours`` stands for a name that differs.
"""

from __future__ import annotations

__all__ = [
    "ALIASES",
    "DEFINED",
    "FOREIGN",
    "IMPORTED",
    "LATER",
    "LAZY",
    "OLD_NAMES",
    "PACKAGES",
    "PATCHED_ROOMS",
    "ROOTS",
    "STAR_MODULES",
    "VERSIONS",
]

#: The packages that compat mode stands for.
ROOTS = ("flask", "werkzeug")

#: The versions implemented, by the name of the distribution.
VERSIONS = {"Flask": "3.1.3", "Werkzeug": "3.1.9"}

#: Modules that have modules inside.
PACKAGES = frozenset(
    {
        "flask",
        "flask.json",
        "flask.sansio",
        "werkzeug",
        "werkzeug.datastructures",
        "werkzeug.middleware",
        "werkzeug.routing",
        "werkzeug.sansio",
        "werkzeug.wrappers",
    }
)

#: Modules whose names are imported when they are asked for, as they lead far.
LAZY = frozenset({"werkzeug"})

#: Modules that are the very module of ours.
ALIASES = {
    "flask.config": "config",
    "flask.debughelpers": "debughelpers",
    "flask.json.provider": "json.provider",
    "flask.json.tag": "json.tag",
    "flask.logging": "logging",
    "flask.sessions": "sessions",
    "flask.signals": "signals",
    "flask.typing": "typing",
    "werkzeug.datastructures.accept": "http.datastructures.accept",
    "werkzeug.datastructures.auth": "http.datastructures.auth",
    "werkzeug.datastructures.cache_control": "http.datastructures.cache_control",
    "werkzeug.datastructures.csp": "http.datastructures.csp",
    "werkzeug.datastructures.etag": "http.datastructures.etag",
    "werkzeug.datastructures.file_storage": "http.datastructures.file_storage",
    "werkzeug.datastructures.headers": "http.datastructures.headers",
    "werkzeug.datastructures.range": "http.datastructures.range",
    "werkzeug.formparser": "http.forms",
    "werkzeug.local": "local",
    "werkzeug.middleware.dispatcher": "middleware.dispatcher",
    "werkzeug.middleware.http_proxy": "middleware.http_proxy",
    "werkzeug.middleware.lint": "middleware.lint",
    "werkzeug.middleware.profiler": "middleware.profiler",
    "werkzeug.middleware.proxy_fix": "middleware.proxy_fix",
    "werkzeug.middleware.shared_data": "middleware.shared_data",
    "werkzeug.routing.converters": "routing.converters",
    "werkzeug.routing.exceptions": "routing.exceptions",
    "werkzeug.sansio.multipart": "http.multipart",
    "werkzeug.testapp": "testing.testapp",
    "werkzeug.urls": "http.urls",
    "werkzeug.user_agent": "http.user_agent",
}

#: Names that a module there defines, by the home of their counterparts here. Classes pickle under these names.
DEFINED: dict[str, dict[str, str]] = {
    "flask.app": {"app": "Flask"},
    "flask.blueprints": {"blueprints": "Blueprint"},
    "flask.cli": {
        "cli.command_line": "cli main",
        "cli.discovery": "NoAppException find_app_by_string find_best_app locate_app prepare_import",
        "cli.environment": "load_dotenv",
        "cli.groups": "AppGroup FlaskGroup",
        "cli.options": "CertParamType SeparatedPathType get_version",
        "cli.routes": "routes_command",
        "cli.run": "run_command show_server_banner _validate_key=_check_key",
        "cli.script_info": "ScriptInfo pass_script_info with_appcontext",
        "cli.shell": "shell_command",
    },
    "flask.ctx": {
        "ctx": (
            "AppContext RequestContext _AppCtxGlobals _sentinel=MISSING after_this_request "
            "copy_current_request_context has_app_context has_request_context"
        ),
    },
    "flask.globals": {"globals": "_cv_app _cv_request app_ctx current_app g request request_ctx session"},
    "flask.helpers": {
        "current": "abort make_response redirect stream_with_context url_for",
        "files": "send_file send_from_directory",
        "flags": "get_debug_flag get_load_dotenv",
        "flashing": "flash get_flashed_messages",
        "paths": "get_root_path",
        "templating": "get_template_attribute",
    },
    "flask.json": {"json": "dump dumps jsonify load loads"},
    "flask.sansio.app": {"app_setup": "App"},
    "flask.sansio.blueprints": {"blueprints": "BlueprintSetupState"},
    "flask.sansio.scaffold": {
        "paths": "find_package=_find_package",
        "scaffold": "Scaffold setupmethod _endpoint_from_view_func=endpoint_from_view_func",
        "template_globals": "_default_template_ctx_processor=default_template_names",
    },
    "flask.templating": {
        "template_engine": "DispatchingJinjaLoader Environment",
        "template_globals": "_default_template_ctx_processor=default_template_names",
        "templating": "_render _stream render_template render_template_string stream_template stream_template_string",
    },
    "flask.testing": {"testing.cli_runner": "FlaskCliRunner", "testing.flask_client": "EnvironBuilder FlaskClient"},
    "flask.views": {"views": "MethodView View http_method_funcs"},
    "flask.wrappers": {"wrappers": "Request Response"},
    "werkzeug._internal": {
        "compat.internals": "_get_environ _log _missing _wsgi_decoding_dance _wsgi_encoding_dance",
    },
    "werkzeug.datastructures.mixins": {
        "http.datastructures.callback_dict": "UpdateDictMixin",
        "http.datastructures.immutable": (
            "ImmutableDictMixin ImmutableHeadersMixin ImmutableListMixin ImmutableMultiDictMixin"
        ),
    },
    "werkzeug.datastructures.structures": {
        "http.datastructures.callback_dict": "CallbackDict",
        "http.datastructures.header_set": "HeaderSet",
        "http.datastructures.immutable": "ImmutableDict ImmutableList",
        "http.datastructures.multidict": "CombinedMultiDict ImmutableMultiDict MultiDict iter_multi_items",
        "http.datastructures.type_conversion": "ImmutableTypeConversionDict TypeConversionDict",
        "compat.ordered": ("_ImmutableOrderedMultiDict=ImmutableOrderedMultiDict _OrderedMultiDict=OrderedMultiDict"),
    },
    "werkzeug.exceptions": {
        "http.exceptions": (
            "Aborter BadGateway BadHost BadRequest BadRequestKeyError ClientDisconnected Conflict ExpectationFailed "
            "FailedDependency Forbidden GatewayTimeout Gone HTTPVersionNotSupported ImATeapot InternalServerError "
            "LengthRequired Locked MethodNotAllowed MisdirectedRequest NotAcceptable NotFound NotImplemented "
            "PreconditionFailed PreconditionRequired RequestEntityTooLarge RequestHeaderFieldsTooLarge RequestTimeout "
            "RequestURITooLarge RequestedRangeNotSatisfiable SecurityError ServiceUnavailable TooManyRequests "
            "Unauthorized UnavailableForLegalReasons UnprocessableEntity UnsupportedMediaType abort default_exceptions"
        ),
        "http.http_exception": "HTTPException",
    },
    "werkzeug.http": {
        "http.cookies": "dump_cookie parse_cookie",
        "http.datastructures.csp": "dump_csp_header",
        "http.datastructures.etag": "generate_etag parse_etags quote_etag unquote_etag",
        "http.datastructures.range": "is_byte_range_valid",
        "http.dates": "dump_age http_date parse_age parse_date",
        "http.fields": (
            "COEP COOP is_entity_header is_hop_by_hop_header parse_accept_header parse_cache_control_header "
            "parse_csp_header parse_set_header remove_entity_headers remove_hop_by_hop_headers"
        ),
        "http.options": "dump_options_header parse_options_header",
        "http.quoting": "dump_header parse_dict_header parse_list_header quote_header_value unquote_header_value",
        "http.ranges": "is_resource_modified parse_content_range_header parse_if_range_header parse_range_header",
        "http.status": "HTTP_STATUS_CODES",
    },
    "werkzeug.routing.map": {"routing.adapter": "MapAdapter", "routing.map": "Map"},
    "werkzeug.routing.matcher": {"routing.matcher": "SlashRequired State StateMachineMatcher"},
    "werkzeug.routing.rules": {
        "routing.factories": "EndpointPrefix RuleTemplate RuleTemplateFactory Subdomain Submount",
        "routing.parts": "RulePart Weighting parse_converter_args",
        "routing.rules": "Rule RuleFactory",
    },
    "werkzeug.sansio.http": {
        "http.cookies": "parse_cookie=parse_decoded_cookie",
        "http.ranges": "is_resource_modified=is_resource_modified_since",
    },
    "werkzeug.sansio.request": {"http.base_request": "Request=BaseRequest"},
    "werkzeug.sansio.response": {"http.base_response": "Response=BaseResponse"},
    "werkzeug.sansio.utils": {"http.host": "get_content_length get_current_url get_host host_is_trusted"},
    "werkzeug.security": {
        "http.security": (
            "DEFAULT_PBKDF2_ITERATIONS SALT_CHARS check_password_hash gen_salt generate_password_hash safe_join"
        ),
    },
    "werkzeug.serving": {
        "server.dechunking": "DechunkedInput",
        "server.forking": "ForkingWSGIServer",
        "server.handler": "WSGIRequestHandler",
        "server.listener": "get_interface_ip get_sockaddr select_address_family",
        "server.pure": "BaseWSGIServer LISTEN_QUEUE ThreadedWSGIServer",
        "server.runner": "is_running_from_reloader make_server run_simple",
        "server.tls": (
            "generate_adhoc_ssl_context generate_adhoc_ssl_pair is_ssl_error load_ssl_context make_ssl_devcert"
        ),
    },
    "werkzeug.test": {
        "testing.builder": "EnvironBuilder create_environ",
        "testing.client": "Client ClientRedirectError",
        "testing.cookies": "Cookie",
        "testing.multipart": "encode_multipart stream_encode_multipart",
        "testing.response": "TestResponse",
        "testing.wsgi_run": "run_wsgi_app",
    },
    "werkzeug.utils": {
        "http.files": "secure_filename send_file send_from_directory",
        "http.properties": "cached_property environ_property get_content_type header_property",
        "http.redirects": "append_slash_redirect redirect",
        "imports": "ImportStringError find_modules import_string",
    },
    "werkzeug.wrappers.request": {"http.request": "Request"},
    "werkzeug.wrappers.response": {"http.response": "Response ResponseStream"},
    "werkzeug.wsgi": {
        "compat.internals": "_RangeWrapper",
        "http.streams": "LimitedStream",
        "http.wsgi": (
            "ClosingIterator FileWrapper get_content_length get_current_url get_host get_input_stream get_path_info "
            "responder wrap_file"
        ),
    },
}

_SIGNALS = (
    "appcontext_popped appcontext_pushed appcontext_tearing_down before_render_template got_request_exception "
    "message_flashed request_finished request_started request_tearing_down template_rendered"
)
_CONVERTERS = (
    "AnyConverter BaseConverter FloatConverter IntegerConverter PathConverter UUIDConverter UnicodeConverter "
    "ValidationError"
)
_ROUTING_EXCEPTIONS = (
    "BuildError NoMatch RequestAliasRedirect RequestPath RequestRedirect RoutingException WebsocketMismatch"
)

#: Names that are defined elsewhere there, and that programs take from here all the same.
IMPORTED: dict[str, dict[str, str]] = {
    "flask": {
        "app": "Flask",
        "blueprints": "Blueprint",
        "config": "Config",
        "ctx": "after_this_request copy_current_request_context has_app_context has_request_context",
        "current": "abort make_response redirect stream_with_context url_for",
        "files": "send_file send_from_directory",
        "flashing": "flash get_flashed_messages",
        "globals": "current_app g request session",
        "json": "jsonify",
        "signals": _SIGNALS,
        "templating": (
            "get_template_attribute render_template render_template_string stream_template stream_template_string"
        ),
        "wrappers": "Request Response",
    },
    "flask.app": {
        "app_setup": "App",
        "ctx": "AppContext RequestContext",
        "globals": "_cv_app _cv_request current_app g request request_ctx session",
        "scaffold": "Scaffold setupmethod",
        "signals": (
            "appcontext_tearing_down got_request_exception request_finished request_started request_tearing_down"
        ),
        "wrappers": "Request Response",
    },
    "flask.blueprints": {
        "blueprints": "BlueprintSetupState",
        "globals": "current_app",
        "scaffold": "setupmethod _endpoint_from_view_func=endpoint_from_view_func",
    },
    "flask.cli": {"flags": "get_debug_flag get_load_dotenv", "globals": "current_app"},
    "flask.ctx": {
        "globals": "_cv_app _cv_request",
        "signals": "appcontext_popped appcontext_pushed",
    },
    "flask.helpers": {
        "globals": "_cv_app _cv_request current_app request request_ctx session",
        "signals": "message_flashed",
    },
    "flask.json": {"globals": "current_app"},
    "flask.sansio.app": {
        "scaffold": "Scaffold setupmethod _endpoint_from_view_func=endpoint_from_view_func",
    },
    "flask.sansio.blueprints": {
        "blueprints": "Blueprint",
        "scaffold": "Scaffold setupmethod _endpoint_from_view_func=endpoint_from_view_func",
    },
    "flask.templating": {
        "globals": "current_app request",
        "signals": "before_render_template template_rendered",
    },
    "flask.views": {"globals": "current_app request"},
    "flask.wrappers": {
        "globals": "current_app",
        "http.request": "RequestBase=Request",
        "http.response": "ResponseBase=Response",
    },
    "werkzeug": {
        "http.request": "Request",
        "http.response": "Response",
        "server.runner": "run_simple",
        "testing.client": "Client",
    },
    "werkzeug.datastructures": {
        "http.datastructures.accept": "Accept CharsetAccept LanguageAccept MIMEAccept",
        "http.datastructures.auth": "Authorization WWWAuthenticate",
        "http.datastructures.cache_control": "RequestCacheControl ResponseCacheControl",
        "http.datastructures.callback_dict": "CallbackDict UpdateDictMixin",
        "http.datastructures.csp": "ContentSecurityPolicy",
        "http.datastructures.etag": "ETags",
        "http.datastructures.file_storage": "FileMultiDict FileStorage",
        "http.datastructures.header_set": "HeaderSet",
        "http.datastructures.headers": "EnvironHeaders Headers",
        "http.datastructures.immutable": (
            "ImmutableDict ImmutableDictMixin ImmutableHeadersMixin ImmutableList ImmutableListMixin "
            "ImmutableMultiDictMixin"
        ),
        "http.datastructures.multidict": "CombinedMultiDict ImmutableMultiDict MultiDict iter_multi_items",
        "http.datastructures.range": "ContentRange IfRange Range",
        "http.datastructures.type_conversion": "ImmutableTypeConversionDict TypeConversionDict",
    },
    "werkzeug.routing": {
        "routing.adapter": "MapAdapter",
        "routing.converters": _CONVERTERS,
        "routing.exceptions": _ROUTING_EXCEPTIONS,
        "routing.factories": "EndpointPrefix RuleTemplate RuleTemplateFactory Subdomain Submount",
        "routing.map": "Map",
        "routing.matcher": "StateMachineMatcher",
        "routing.parts": "parse_converter_args",
        "routing.rules": "Rule RuleFactory",
    },
    "werkzeug.routing.map": {
        "routing.converters": "DEFAULT_CONVERTERS",
        "routing.exceptions": "BuildError NoMatch RequestAliasRedirect RequestPath RequestRedirect WebsocketMismatch",
        "routing.rules": "Rule",
    },
    "werkzeug.routing.rules": {"routing.converters": "ValidationError"},
    "werkzeug.sansio.response": {"http.status": "HTTP_STATUS_CODES"},
    "werkzeug.utils": {"compat.internals": "_missing", "http.security": "safe_join"},
    "werkzeug.wrappers": {"http.request": "Request", "http.response": "Response ResponseStream"},
}

#: Modules of others that programs reach through one of these.
FOREIGN = {"flask.cli": ("click",)}

#: Modules of a package that ``from package import *`` gives as well, since the package itself imports them.
STAR_MODULES = {
    "flask": (
        "app blueprints cli config ctx globals helpers json logging sansio sessions signals templating typing wrappers"
    ),
    "werkzeug": (
        "datastructures exceptions formparser http local routing sansio security serving test urls user_agent utils "
        "wrappers wsgi"
    ),
}

#: Rooms whose modules a patch of one of these modules' names acts on as well: what is one file there is many here.
PATCHED_ROOMS = {
    "flask.cli": "cli",
    "werkzeug.http": "http",
    "werkzeug.serving": "server",
    "werkzeug.test": "testing",
}

#: Names that Flask 3.1 does not have any more or warns about, by what stands for them: a home as above, or ``=`` and a
#: module of others.
OLD_NAMES: dict[str, dict[str, str]] = {
    "flask": {
        "Markup": "=markupsafe",
        "_app_ctx_stack": "compat.old_names",
        "_request_ctx_stack": "compat.old_names",
    },
    "flask.globals": {"_app_ctx_stack": "compat.old_names", "_request_ctx_stack": "compat.old_names"},
    "flask.helpers": {"_endpoint_from_view_func": "compat.old_names"},
    "flask.json": {"JSONEncoder": "compat.old_names"},
    "flask.scaffold": {"_endpoint_from_view_func": "compat.old_names"},
    "werkzeug": {"FileStorage": "http.datastructures", "secure_filename": "http.files"},
    "werkzeug.datastructures": {
        "ImmutableOrderedMultiDict": "compat.ordered",
        "OrderedMultiDict": "compat.ordered",
    },
    "werkzeug.http": {"parse_authorization_header": "compat.old_names"},
    "werkzeug.security": {"safe_str_cmp": "compat.old_names"},
    "werkzeug.wrappers": {"BaseResponse": "compat.old_names"},
    "werkzeug.wrappers.json": {"JSONMixin": "compat.old_names"},
    "werkzeug.wsgi": {"DispatcherMiddleware": "middleware.dispatcher"},
}

#: Modules that a later version of hipflask brings; what is inside them counts too.
LATER = ("werkzeug._reloader", "werkzeug.debug")
