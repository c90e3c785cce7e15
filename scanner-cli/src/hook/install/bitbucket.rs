//! The script that Bitbucket Data Center runs, and how it gets there.
//!
//! A script that calls a program on the server's disk, rather than the program itself: Bitbucket
//! limits what can be uploaded, and an update need not pass through its REST interface. The calls
//! are those of Atlassian's description of the interface, version 9.2.

use super::script::{Script, quoted};
use std::path::Path;

/// What to do with the script: for people, who fill in what stands in capitals.
pub(crate) fn upload(script: &Script, file: Option<&Path>) -> String {
    let name = file.map_or_else(
        || "gitsieve-pre-receive.sh".to_owned(),
        |file| file.display().to_string(),
    );
    let content =
        String::from_utf8_lossy(&quoted(format!("content=@{name}").as_ref())).into_owned();
    let binary = script.binary.display();
    let policy = match &script.policy {
        Some(policy) => format!("policy {}", policy.display()),
        None => "policy /etc/gitsieve/policy.toml, if there is any,".to_owned(),
    };
    let saved = if file.is_some() { "" } else { ", saved," };
    format!(
        "\
The script{saved} is a PRE hook script for Bitbucket Data Center. It needs, on every node (and
every Mesh node), gitsieve at {binary} or on PATH, and the {policy}
readable by the user that Bitbucket runs as. Since Bitbucket 8.18, hook scripts work only with
  feature.hook.scripts=true
in $BITBUCKET_HOME/shared/bitbucket.properties, after a restart.

1. Upload, with a system administrator's token. The answer holds the script's id:
  curl -H \"Authorization: Bearer $TOKEN\" -H 'X-Atlassian-Token: no-check' \\
    -F name=gitsieve -F type=PRE -F description='Secret scan' -F {content} \\
    https://BITBUCKET/rest/api/latest/hook-scripts

2. Enable it, for each project (there is no call for all of them; personal projects are ~USER):
  curl -X PUT -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
    -d '{{\"triggerIds\":[\"push\",\"file-edit\",\"pull-request-merge\",\"branch-create\",\"tag-create\"]}}' \\
    https://BITBUCKET/rest/api/latest/projects/PROJECT/hook-scripts/ID

   or for one repository: .../projects/PROJECT/repos/REPOSITORY/hook-scripts/ID

Later, a new version of the script keeps its id:
  curl -X PUT -H \"Authorization: Bearer $TOKEN\" -H 'X-Atlassian-Token: no-check' \\
    -F {content} https://BITBUCKET/rest/api/latest/hook-scripts/ID
"
    )
}

/// How to take the script away.
pub(crate) fn removal() -> String {
    "\
Bitbucket keeps its hook scripts itself; nothing here was changed. With ID the script's id, as the
list of a project's scripts gives it:
  curl -H \"Authorization: Bearer $TOKEN\" \\
    https://BITBUCKET/rest/api/latest/projects/PROJECT/hook-scripts

it is disabled for a project by
  curl -X DELETE -H \"Authorization: Bearer $TOKEN\" \\
    https://BITBUCKET/rest/api/latest/projects/PROJECT/hook-scripts/ID

and removed altogether, with a system administrator's token, by
  curl -X DELETE -H \"Authorization: Bearer $TOKEN\" \\
    https://BITBUCKET/rest/api/latest/hook-scripts/ID
"
    .to_owned()
}
