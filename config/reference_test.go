package config

import (
	"encoding"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write sensor.toml and docs/configuration.md anew")

// referencePage is the page for users.
const referencePage = "../docs/configuration.md"

// TestReference keeps the page and the shipped file true: both are written from
// the table of settings that the checks use.
func TestReference(t *testing.T) {
	for file, want := range map[string]string{referencePage: markdown(), shipped: exampleFile()} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the settings say; run go test ./config -update", file)
		}
	}
}

// TestEverySettingIsDescribed holds the table of settings against the structs.
func TestEverySettingIsDescribed(t *testing.T) {
	var described []string
	for _, part := range sections() {
		for _, one := range part.settings {
			described = append(described, part.name+"."+one.key)
			if one.about == "" {
				t.Errorf("nothing says what %s.%s does", part.name, one.key)
			}
		}
	}
	have := settingsOf(reflect.TypeFor[Config](), "")
	for _, name := range have {
		if !slices.Contains(described, name) {
			t.Errorf("%s is not described; add it to sections() and run go test ./config -update", name)
		}
	}
	for _, name := range described {
		if !slices.Contains(have, name) {
			t.Errorf("%s is described, but no such setting is there", name)
		}
	}
	for i, name := range described {
		if slices.Contains(described[:i], name) {
			t.Errorf("%s is described twice", name)
		}
	}
}

// settingsOf lists the full TOML names of the settings below a struct type.
func settingsOf(t reflect.Type, prefix string) []string {
	var all []string
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() {
			continue
		}
		name := prefix + field.Tag.Get("toml")
		below := field.Type
		if below.Kind() == reflect.Slice && below.Elem().Kind() == reflect.Struct {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct && below != reflect.TypeFor[Date]() {
			all = append(all, settingsOf(below, name+".")...)
			continue
		}
		all = append(all, name)
	}
	return all
}

const pageIntro = `# Configuration

<!-- written by go test ./config -run TestReference -update; the text is in config/settings.go and its neighbours -->

The sensor reads one file in [TOML](https://toml.io): the one that is named with ` + "`--config FILE`" + `. Without the flag
the defaults below hold; no other place is looked at. The package's service names ` + "`/etc/tripline/sensor.toml`" + `.
[sensor.toml](../sensor.toml) has every key with its default and the same words as this page.

    tripline check --config FILE

says what is wrong, each defect with line and column, and changes nothing. A key that is left out has its default; a key
that is not known is an error, so that a misspelt one does not go unnoticed. Rules and exceptions are read again by
` + "`tripline rules reload`" + ` or SIGHUP. All other changes take effect when the sensor starts.

| a … is | written as |
|---|---|
| text | ` + "`\"text\"`, or `'text'` where it has quotes or backslashes" + ` |
| size | ` + "a whole number and B, KiB, MiB or GiB: `\"16MiB\"`" + ` |
| span of time | ` + "numbers with ms, s, m or h: `\"500ms\"`, `\"1m30s\"`" + ` |
| day | ` + "`\"2026-12-31\"`" + ` |
`

// markdown writes the page.
func markdown() string {
	var b strings.Builder
	b.WriteString(pageIntro)
	b.WriteString("\n| table | keys |\n|---|---|\n")
	for _, part := range sections() {
		fmt.Fprintf(&b, "| [`%s`](#%s) |", heading(&part), anchor(heading(&part)))
		for _, one := range part.settings {
			fmt.Fprintf(&b, " [`%s`](#%s)", one.key, anchor(part.name+"."+one.key))
		}
		b.WriteString(" |\n")
	}
	for _, part := range sections() {
		fmt.Fprintf(&b, "\n## %s\n", heading(&part))
		if part.about != "" {
			fmt.Fprintf(&b, "\n%s\n", wrapped(forPage(part.about), "", 120))
		}
		for _, one := range part.settings {
			writeSetting(&b, &part, &one)
		}
		if part.list {
			fmt.Fprintf(&b, "\n%s", indented(exampleOf(&part)))
		}
	}
	return b.String()
}

func writeSetting(b *strings.Builder, part *section, one *setting) {
	fmt.Fprintf(b, "\n### %s.%s\n\n%s\n", part.name, one.key, wrapped(forPage(one.about), "", 120))
	if list, ok := one.limit.(choices); ok && list.String() == "" {
		b.WriteString("\n| value | meaning |\n|---|---|\n")
		for _, each := range list {
			fmt.Fprintf(b, "| `%q` | %s |\n", each.word, each.about)
		}
	}
	b.WriteString("\n" + kindOf(part, one))
	if one.limit != nil && one.limit.String() != "" {
		b.WriteString(": " + one.limit.String())
	}
	b.WriteString(".")
	if !part.list {
		fmt.Fprintf(b, " Default: `%s`.", defaultOf(part, one))
	}
	b.WriteString("\n")
}

const fileIntro = `# The configuration of the Tripline sensor, with every key and its default.
#
# A key that is left out has its default. A key that is not known is an error,
# so that a misspelt one does not go unnoticed: "tripline check --config FILE"
# says what is wrong, and where. Rules and exceptions are read again by
# "tripline rules reload"; all other changes take effect when the sensor starts.
`

// exampleFile writes sensor.toml.
func exampleFile() string {
	var b strings.Builder
	b.WriteString(fileIntro)
	for _, part := range sections() {
		if part.list {
			b.WriteString("\n" + comment(part.about) + "#\n" + commented(exampleOf(&part)))
			continue
		}
		fmt.Fprintf(&b, "\n[%s]\n", part.name)
		if part.about != "" {
			b.WriteString("\n" + comment(part.about))
		}
		for _, one := range part.settings {
			fmt.Fprintf(&b, "\n%s%s = %s\n", commentOf(&one), one.key, defaultOf(&part, &one))
		}
	}
	return b.String()
}

// commentOf is what sensor.toml says above a key.
func commentOf(one *setting) string {
	text := one.about
	list, ok := one.limit.(choices)
	switch {
	case ok && list.String() == "":
		var b strings.Builder
		b.WriteString(comment(text))
		for _, each := range list {
			first := fmt.Sprintf("#   %-13s", strconv.Quote(each.word))
			lines := wrapped(each.about, "#"+strings.Repeat(" ", len(first)-1), 80)
			b.WriteString(first + strings.TrimLeft(lines, "# ") + "\n")
		}
		return b.String()
	case ok:
		text += " One of " + list.String() + "."
	}
	if allowed, ok := one.limit.(bounds); ok {
		text += " Allowed: " + allowed.String() + "."
	}
	return comment(text)
}

func heading(part *section) string {
	if part.list {
		return "[[" + part.name + "]]"
	}
	return "[" + part.name + "]"
}

// anchor is what a heading is called in a link.
func anchor(heading string) string {
	return regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(heading, "")
}

func exampleOf(part *section) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", heading(part))
	for _, one := range part.settings {
		fmt.Fprintf(&b, "%s = %s\n", one.key, one.example)
	}
	return b.String()
}

func commented(text string) string {
	return regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(text, "# $1")
}

func indented(text string) string {
	return regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(text, "    $1")
}

// forPage makes links of a text, which are written as sensor.toml shows them,
// those of the page.
func forPage(text string) string { return strings.ReplaceAll(text, "[docs/", "[") }

// comment makes a comment of Markdown.
func comment(text string) string {
	text = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(text, "$1")
	text = regexp.MustCompile("`[^`]*`").ReplaceAllStringFunc(text, func(code string) string {
		code = strings.Trim(code, "`")
		if strings.ContainsRune(code, ' ') {
			return strconv.Quote(code)
		}
		return code
	})
	return wrapped(text, "# ", 80) + "\n"
}

// wrapped breaks a text into lines of at most width characters that begin with
// prefix.
func wrapped(text, prefix string, width int) string {
	var lines []string
	line := prefix
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(prefix) {
			if len([]rune(line))+1+len([]rune(word)) > width {
				lines = append(lines, line)
				line = prefix
			} else {
				line += " "
			}
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// kindOf names the type of a setting.
func kindOf(part *section, one *setting) string {
	at := tableOf(reflect.ValueOf(Default()).Elem(), part)
	switch value := fieldOf(at, one.key); value.Interface().(type) {
	case Size:
		return "Size"
	case Duration:
		return "Span of time"
	case Date:
		return "Day"
	case bool:
		return "`true` or `false`"
	case []string:
		return "List of texts"
	default:
		if value.CanInt() || value.CanUint() {
			return "Whole number"
		}
		return "Text"
	}
}

// tableOf is the struct of a section; an empty one for a list.
func tableOf(at reflect.Value, part *section) reflect.Value {
	for name := range strings.SplitSeq(part.name, ".") {
		at = fieldOf(at, name)
	}
	if part.list {
		return reflect.Zero(at.Type().Elem())
	}
	return at
}

// defaultOf is the default of a setting as TOML.
func defaultOf(part *section, one *setting) string {
	value := fieldOf(tableOf(reflect.ValueOf(Default()).Elem(), part), one.key)
	if text, ok := value.Interface().(encoding.TextMarshaler); ok {
		shown, err := text.MarshalText()
		if err != nil {
			return err.Error()
		}
		return strconv.Quote(string(shown))
	}
	if value.Kind() == reflect.String {
		return strconv.Quote(value.String())
	}
	return fmt.Sprint(value.Interface()) // numbers, truth values and empty lists look like TOML's
}
