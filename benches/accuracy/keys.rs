//! Private keys, and where they stand. Key material is random bytes in the right frame.

/// Kind and template (patterns/README.md) of the armoured text, with real line ends.
pub const KEYS: &[(&str, &str)] = &[
    (
        "rsa",
        "-----BEGIN{{}} RSA PRIVATE KEY-----\n{{encode:lines}}{{der:1188}}{{end}}-----END RSA PRIVATE KEY-----",
    ),
    (
        "pkcs8",
        "-----BEGIN{{}} PRIVATE KEY-----\n{{encode:lines}}{{der:1212}}{{end}}-----END PRIVATE KEY-----",
    ),
    (
        "ec",
        "-----BEGIN{{}} EC PRIVATE KEY-----\n{{encode:lines}}{{der:256}}{{end}}-----END EC PRIVATE KEY-----",
    ),
    (
        "dsa",
        "-----BEGIN{{}} DSA PRIVATE KEY-----\n{{encode:lines}}{{der:444}}{{end}}-----END DSA PRIVATE KEY-----",
    ),
    (
        "openssh",
        "-----BEGIN{{}} OPENSSH PRIVATE KEY-----\n{{encode:lines}}{{openssh:none:136}}{{end}}-----END OPENSSH PRIVATE KEY-----",
    ),
    (
        "encrypted",
        "-----BEGIN{{}} ENCRYPTED PRIVATE KEY-----\n{{encode:lines}}{{der:1300}}{{end}}-----END ENCRYPTED PRIVATE KEY-----",
    ),
    (
        "rsa-headers",
        "-----BEGIN{{}} RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{{HEX:32}}\n\n{{encode:lines}}{{bytes:1192}}{{end}}-----END RSA PRIVATE KEY-----",
    ),
    (
        "pgp",
        "-----BEGIN{{}} PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{{encode:armor}}{{byte:149}}{{bytes:900}}{{end}}-----END PGP PRIVATE KEY BLOCK-----",
    ),
    // What a sample looks like once someone altered it to make it harmless: right frame, lost structure.
    (
        "rsa-altered",
        "-----BEGIN{{}} RSA PRIVATE KEY-----\nMIIE{{base64:60}}\n{{encode:lines}}{{bytes:1100}}{{end}}-----END RSA PRIVATE KEY-----",
    ),
    (
        "pkcs8-altered",
        "-----BEGIN{{}} PRIVATE KEY-----\nMIIEv{{base64:59}}\n{{encode:lines}}{{bytes:1100}}{{end}}-----END PRIVATE KEY-----",
    ),
];

/// How the lines of a key are joined where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// As they are, after so many spaces each.
    Indented(usize),
    /// By a backslash and an n.
    Escaped,
    /// As string literals of a language, with this ahead of and behind each line.
    Literals(&'static str, &'static str),
    /// All in base64 once more.
    Base64,
}

/// A place for keys: id, path, how the lines are joined, and the text around `{v}`.
pub const PLACES: &[(&str, &str, Joined, &str)] = &[
    ("pem-file", "certs/server.key", Joined::Indented(0), "{v}\n"),
    ("ssh-file", ".ssh/id_rsa", Joined::Indented(0), "{v}\n"),
    (
        "yaml-block",
        "config/tls.yml",
        Joined::Indented(4),
        "tls:\n  key: |\n{v}\nport: 443\n",
    ),
    (
        "json-escaped",
        "keys/service.json",
        Joined::Escaped,
        "{\n  \"id\": 7,\n  \"private_key\": \"{v}\\n\"\n}\n",
    ),
    (
        "dotenv-escaped",
        ".env",
        Joined::Escaped,
        "PORT=80\nPRIVATE_KEY=\"{v}\\n\"\nDEBUG=0\n",
    ),
    (
        "python-triple",
        "sign.py",
        Joined::Indented(0),
        "KEY = \"\"\"{v}\"\"\"\n\n\ndef sign(x):\n    return x\n",
    ),
    (
        "javascript-template",
        "sign.js",
        Joined::Indented(0),
        "const key = `{v}`;\nmodule.exports = key;\n",
    ),
    (
        "javascript-lines",
        "sign.ts",
        Joined::Literals("  '", "\\n' +"),
        "const key =\n{v}\n  '';\n",
    ),
    (
        "java-lines",
        "src/Sign.java",
        Joined::Literals("        + \"", "\\n\""),
        "String KEY = \"\"\n{v};\n",
    ),
    (
        "c-lines",
        "src/key.c",
        Joined::Literals("\"", "\\n\""),
        "static const char key[] =\n{v};\n",
    ),
    (
        "go-raw",
        "sign.go",
        Joined::Indented(0),
        "var key = []byte(`{v}`)\n",
    ),
    (
        "terraform-heredoc",
        "main.tf",
        Joined::Indented(0),
        "  private_key = <<EOF\n{v}\nEOF\n",
    ),
    (
        "markdown",
        "NOTES.md",
        Joined::Indented(4),
        "The old key:\n\n{v}\n\nWe no longer use it.\n",
    ),
    (
        "kubernetes-data",
        "k8s/tls.yaml",
        Joined::Base64,
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata:\n  name: tls\ndata:\n  tls.key: {v}\n",
    ),
    (
        "kubeconfig",
        ".kube/config",
        Joined::Base64,
        "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    client-key-data: {v}\n",
    ),
    (
        "xml-element",
        "config.xml",
        Joined::Indented(0),
        "<config>\n<privateKey>{v}</privateKey>\n</config>\n",
    ),
];
