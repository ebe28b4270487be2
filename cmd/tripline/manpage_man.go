//go:build man

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tripline/internal/version"
)

// writePages writes the man page of a command and of those below it.
func writePages(command *cobra.Command, date, folder string) error {
	path := filepath.Join(folder, pageName(command)+".1")
	if err := os.WriteFile(path, []byte(manPage(command, date)), 0o644); err != nil {
		return fmt.Errorf("writing a man page: %w", err)
	}
	for _, below := range command.Commands() {
		if below.IsAvailableCommand() {
			if err := writePages(below, date, folder); err != nil {
				return err
			}
		}
	}
	return nil
}

// pageName is a command's name as that of a page: tripline-rules-list.
func pageName(command *cobra.Command) string {
	return strings.ReplaceAll(command.CommandPath(), " ", "-")
}

// manPage says in man(7) what the command's --help says.
func manPage(command *cobra.Command, date string) string {
	var page strings.Builder
	name := pageName(command)
	fmt.Fprintf(&page, ".TH %q 1 %q %q \"Tripline\"\n", strings.ToUpper(name), date, "Tripline "+version.Version)
	fmt.Fprintf(&page, ".SH NAME\n%s \\- %s\n", roff(name), roff(command.Short))
	fmt.Fprintf(&page, ".SH SYNOPSIS\n\\fB%s\\fR%s\n", roff(command.CommandPath()), roff(arguments(command)))
	if text := command.Long; text != "" {
		page.WriteString(".SH DESCRIPTION\n" + paragraphs(text))
	}
	if command.HasAvailableSubCommands() {
		page.WriteString(".SH COMMANDS\n")
		for _, below := range command.Commands() {
			if below.IsAvailableCommand() {
				fmt.Fprintf(&page, ".TP\n\\fB%s\\fR(1)\n%s\n", roff(pageName(below)), roff(below.Short))
			}
		}
	}
	page.WriteString(".SH OPTIONS\n" + options(command))
	if command.HasExample() {
		page.WriteString(".SH EXAMPLES\n" + literal(command.Example))
	}
	page.WriteString(".SH SEE ALSO\n" + seeAlso(command))
	return page.String()
}

// arguments are what follows the command's name, with a space before them.
func arguments(command *cobra.Command) string {
	if command.HasAvailableSubCommands() {
		return " COMMAND"
	}
	return strings.TrimPrefix(command.UseLine(), command.CommandPath())
}

// paragraphs are those of a help text. One with columns or an indented line keeps its
// lines.
func paragraphs(text string) string {
	var page strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			page.WriteString(".PP\n")
		}
		if strings.HasPrefix(paragraph, " ") || strings.Contains(paragraph, "\n ") || strings.Contains(paragraph, "   ") || strings.Contains(paragraph, "\t") {
			page.WriteString(literal(paragraph))
			continue
		}
		for line := range strings.Lines(paragraph) {
			page.WriteString(roff(strings.TrimRight(line, "\n")) + "\n")
		}
	}
	return page.String()
}

// literal is text that keeps its lines.
func literal(text string) string {
	var page strings.Builder
	page.WriteString(".nf\n")
	for line := range strings.Lines(text) {
		page.WriteString(roff(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")) + "\n")
	}
	return page.String() + ".fi\n"
}

// options has each flag with the name of its value, what it does and its default.
func options(command *cobra.Command) string {
	command.InitDefaultHelpFlag()
	command.InitDefaultVersionFlag()
	var page strings.Builder
	command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(flag)
		names := `\fB` + roff("--"+flag.Name) + `\fR`
		if flag.Shorthand != "" {
			names = `\fB` + roff("-"+flag.Shorthand) + `\fR, ` + names
		}
		if value != "" {
			names += ` \fI` + roff(value) + `\fR`
		}
		switch flag.DefValue {
		case "", "0", "0s", "[]", "false":
		default:
			usage += fmt.Sprintf(" (default %s)", flag.DefValue)
		}
		fmt.Fprintf(&page, ".TP\n%s\n%s\n", names, roff(usage))
	})
	return page.String()
}

// seeAlso names the pages around a command's.
func seeAlso(command *cobra.Command) string {
	var pages []string
	for above := command.Parent(); above != nil; above = above.Parent() {
		pages = append(pages, `\fB`+roff(pageName(above))+`\fR(1)`)
	}
	return strings.Join(append(pages, `\fBtripline\-sensor.toml\fR(5)`), ",\n") + "\n"
}

// roff is a line of text as groff(7) reads it: a backslash begins an escape, and a dot
// or a quote at the start of a line a request, which the empty character in front
// prevents.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}
