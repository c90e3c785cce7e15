//! The commands that store a new value, as the list's last part.
//!
//! They run as they stand once the first line has its four names: every name is quoted where it is
//! used. A value goes from its file to the program by standard input or in a file: lists of processes
//! show arguments to everyone, and the environment to whoever runs as the same user. What they rest on:
//!
//! - Vault reads the value of `KEY=-` from standard input, as it is (`vault kv patch`, `vault kv put`).
//! - `infisical secrets set --file` reads `.yaml` files as a map of texts, and other files as lines of
//!   which it strips blanks and quotes: only the first takes any value, and JSON is YAML. `KEY=@FILE`
//!   is no way: releases of 2025 store that text itself where a machine identity is logged in. It
//!   prints a table with the values in clear.
//! - Bitbucket Cloud takes a variable as JSON (`POST .../pipelines_config/variables/`), and curl its
//!   body from standard input. `--fail` makes an answer that refuses a failure.
//! - A pipe ends as its last program does, so that JSON is made before curl is started.
//! - `printf` and `read` are built into shells, and start no program that has arguments.

/// Part 3.
pub(super) const STORE: &str = r#"## 3. Store the new values

For each value, say its name (from part 1), a file that will hold nothing else, and where it goes:

      name='NAME' file='FILE' place='PATH' repository='WORKSPACE/REPO'

Write the value into the file without showing it (one of several lines: with an editor, after `umask 077`):

      (umask 077; trap 'stty echo' EXIT INT; stty -echo && IFS= read -r value && printf %s "$value" > "$file")

Then store it. No value is an argument or in the environment, where the list of processes would show it.

- HashiCorp Vault (`kv patch` keeps what else is at the path, in version 2 of the engine; `kv put` for a new path):

      vault kv patch -mount=secret "$place" "$name=-" < "$file"
      vault kv put -mount=secret "$place" "$name=-" < "$file"

- Infisical, logged in and in a directory where `infisical init` was run (its output would show the value):

      (umask 077; jq -Rs --arg name "$name" '{($name): .}' < "$file" > "$file.yaml" &&
        infisical secrets set --env=prod --file="$file.yaml" > /dev/null
        code=$?; rm -f -- "$file.yaml"; exit $code)

- Bitbucket Cloud, a secured variable of Pipelines (an API token for `api.bitbucket.org` in `~/.netrc`; a name that is taken is
  refused: change that variable in the repository's settings):

      (body=$(jq -Rs --arg name "$name" '{key: $name, value: ., secured: true}' < "$file") &&
        printf %s "$body" | curl --netrc --fail -H 'Content-Type: application/json' --data-binary @- \
        "https://api.bitbucket.org/2.0/repositories/$repository/pipelines_config/variables/")

- GitHub Actions (names there must not begin with `GITHUB_`):

      gh secret set "$name" < "$file"

Then delete the file:

      rm -f -- "$file" "$file.yaml"
"#;
