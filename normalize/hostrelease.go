package normalize

import "strings"

// hostFamilies says of which family a distribution is, by its ID of os-release(5).
// One that is not here may have a relative among its ID_LIKE.
var hostFamilies = map[string]string{
	"almalinux":     "redhat",
	"alpine":        "alpine",
	"amzn":          "redhat",
	"arch":          "arch",
	"centos":        "redhat",
	"debian":        "debian",
	"fedora":        "redhat",
	"gentoo":        "gentoo",
	"linuxmint":     "debian",
	"ol":            "redhat",
	"opensuse":      "suse",
	"opensuse-leap": "suse",
	"raspbian":      "debian",
	"rhel":          "redhat",
	"rocky":         "redhat",
	"scientific":    "redhat",
	"sled":          "suse",
	"sles":          "suse",
	"suse":          "suse",
	"ubuntu":        "debian",
}

// hostParseRelease reads the content of os-release(5). Lines that are no
// assignments are skipped.
func hostParseRelease(text string) OSFacts {
	values := make(map[string]string)
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if found && !strings.HasPrefix(key, "#") {
			values[key] = hostUnquote(value)
		}
	}
	facts := OSFacts{
		Platform: values["ID"],
		Name:     values["NAME"],
		Version:  values["VERSION_ID"],
		Full:     values["PRETTY_NAME"],
	}
	for _, id := range append([]string{facts.Platform}, strings.Fields(values["ID_LIKE"])...) {
		if facts.Family = hostFamilies[id]; facts.Family != "" {
			break
		}
	}
	return facts
}

// hostUnquote reads a value as a shell would, as far as os-release(5) uses it:
// one pair of quotes, and backslashes before characters that are special.
func hostUnquote(value string) string {
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	var unquoted strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		unquoted.WriteByte(value[i])
	}
	return unquoted.String()
}

// hostParseRedHat reads the line that relatives of Red Hat Enterprise Linux had
// before there was os-release(5), "CentOS release 6.10 (Final)".
func hostParseRedHat(line string) OSFacts {
	name, rest, found := strings.Cut(line, " release ")
	if !found {
		return OSFacts{}
	}
	version, _, _ := strings.Cut(rest, " ")
	facts := OSFacts{Family: "redhat", Name: name, Version: version, Full: line}
	switch {
	case strings.HasPrefix(name, "Red Hat Enterprise Linux"):
		facts.Platform = "rhel"
	case strings.HasPrefix(name, "Oracle"):
		facts.Platform = "ol"
	default:
		first, _, _ := strings.Cut(name, " ")
		facts.Platform = strings.ToLower(first)
	}
	return facts
}
