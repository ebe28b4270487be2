package detect

import (
	"slices"
	"strings"
)

// ecsFields are fields of the Elastic Common Schema that a name one letter away
// could be mistaken for: those of the field sets which host events have. A name
// that ends in a dot is an object with fields of its own. The names are those of
// the field reference of ECS 8.17, https://www.elastic.co/guide/en/ecs/current.
var ecsFields = map[string]string{
	"agent":     "build. ephemeral_id id name type version",
	"container": "cpu. disk. id image. labels. memory. name network. runtime security_context.",
	"error":     "code id message stack_trace type",
	"event": "action agent_id_status category code created dataset duration end hash id ingested kind module original " +
		"outcome provider reason reference risk_score risk_score_norm sequence severity start timezone type url",
	"file": "accessed attributes code_signature. created ctime device directory drive_letter elf. extension fork_name gid " +
		"group hash. inode macho. mime_type mode mtime name origin_referrer_url origin_url owner path pe. size " +
		"target_path type uid x509.",
	"group": "domain id name",
	"host": "architecture boot. cpu. disk. domain geo. hostname id ip mac memory. name network. os. pid_ns_ino risk. type " +
		"uptime user.",
	"network": "application bytes community_id direction forwarded_ip iana_number inner. name packets protocol transport " +
		"type vlan.",
	"process": "args args_count attested_groups. attested_user. code_signature. command_line cpu. elf. end endpoint_security_client " +
		"entity_id entry_leader. entry_meta. env_vars executable exit_code group. group_leader. hash. interactive io. " +
		"macho. name origin_referrer_url origin_url parent. pe. pgid pid platform_binary previous. real_group. real_user. " +
		"responsible. same_as_process saved_group. saved_user. session_leader. start supplemental_groups. thread. title " +
		"tty. uptime user. vpid working_directory",
	"user": "changes. domain effective. email full_name group. hash id name risk. roles target.",
}

// endpoints are the ECS field sets of the two sides of a connection, which have
// the same fields.
const endpoints = "address as. bytes domain geo. ip mac nat. packets port registered_domain subdomain top_level_domain user."

// inECS reports whether a name is certainly a field of the Elastic Common Schema.
// It knows the field sets which host events have, no others.
func inECS(name string) bool {
	set, rest, _ := strings.Cut(name, ".")
	fields := ecsFields[set]
	switch set {
	case "source", "destination", "client", "server":
		fields = endpoints
	case "process":
		// Another process of the same family has all the fields of a process.
		relatives := []string{"parent", "previous", "entry_leader", "session_leader", "group_leader", "responsible"}
		for rest != "" {
			relative, deeper, found := strings.Cut(rest, ".")
			if !found || !slices.Contains(relatives, relative) {
				break
			}
			rest = deeper
		}
	}
	leaf, _, nested := strings.Cut(rest, ".")
	if nested {
		leaf += "."
	}
	return leaf != "" && strings.Contains(" "+fields+" ", " "+leaf+" ")
}
