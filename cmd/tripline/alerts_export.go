package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/config"
	"tripline/normalize"
	"tripline/sensor"
	"tripline/sensor/alert"
	"tripline/sensor/alertlog"
	"tripline/sensor/bundle"
)

// exportFlags are the flags of alerts export.
type exportFlags struct {
	alertSelection
	key    string
	events []string
	around time.Duration
}

func alertsExportCommand(std streams) *cobra.Command {
	var flags exportFlags
	command := &cobra.Command{
		Use:   "export FILE.tar.gz [ALERTS...]",
		Short: "Carry alerts out of this host in one signed archive",
		Long: `Write one archive with alerts and their evidence, the events around them, what
this host is and the rules, with the digest of every file and an Ed25519
signature. The key is made at the first export and stays on the host; what is
printed names it, so that the archive can be told from one of another host:

    tripline alerts verify FILE.tar.gz --key export.pub

The alerts are those of the configured alert file and of what was rotated away
from it, or of the files ALERTS. Apart from times the same alerts give the same
archive.`,
		Example: `  tripline alerts export host7.tar.gz --since 24h --around 10m`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("export needs the FILE.tar.gz to write; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			return export(command, std, &flags, args[0], args[1:])
		},
	}
	flags.addFiles(command)
	flags.addFilters(command)
	set := command.Flags()
	set.StringVar(&flags.filter.ID, "id", "", "the alert whose `ID` begins so")
	set.StringVar(&flags.rules, "rules", "", "`DIR` of rule files, instead of the configured ones")
	set.StringArrayVar(&flags.events, "events", nil, "`FILE` of events instead of the configured event log, with what was rotated away from it; may be repeated")
	set.DurationVar(&flags.around, "around", 5*time.Minute, "`TIME` before and after an alert whose events are exported")
	set.StringVar(&flags.key, "key", bundle.DefaultKey, "the private key `FILE` that signs; made where it is missing")
	return command
}

func export(command *cobra.Command, std streams, flags *exportFlags, to string, args []string) error {
	if err := mayReplace(to, archiveStart, "archive"); err != nil {
		return err
	}
	loaded, err := flags.load()
	if err != nil {
		return err
	}
	flags.filter.ID = strings.ToLower(flags.filter.ID)
	defects := &defectPrinter{to: std.err}
	reader, err := flags.reader(std, defects)
	if err != nil {
		return err
	}
	files, err := flags.files(std, args)
	if err != nil {
		return err
	}
	options := bundle.Options{
		Alerts: reader, AlertFiles: files, Around: flags.around, Made: time.Now(), Temporary: filepath.Dir(to), Report: defects.report,
		Selection: make(map[string]string),
	}
	for _, one := range flags.words() {
		options.Selection[one.Name] = one.Value
	}
	if options.EventFiles, err = eventFiles(flags.events, loaded.Output.Events.Path); err != nil {
		return err
	}
	if options.Rules, err = sensor.RuleFiles(loaded.Rules.Folder); err != nil {
		complain(std.err, err)
	}
	if options.Host, err = normalize.ReadHostFacts("/"); err != nil {
		complain(std.err, err)
	}
	key, made, err := bundle.LoadOrMakeKey(flags.key)
	if err != nil {
		return fmt.Errorf("%w; --key names another file", err)
	}
	options.Key = key
	if made {
		_, _ = fmt.Fprintf(std.err, "tripline: made a key to sign exports: %s\n", flags.key) // only told
	}
	manifest, err := writeExport(command, to, &options)
	defects.finish()
	if err != nil {
		return err
	}
	return printExport(std, flags.asJSON, to, manifest, reader.Counts(), len(files))
}

// eventFiles lists the files of the event log, with what was rotated away: those
// that are named, or the configured one if it is there.
func eventFiles(paths []string, configured string) ([]string, error) {
	if len(paths) == 0 && configured != "" {
		files, err := alertlog.Files(configured)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("finding the event log: %w", err)
		}
		return files, nil
	}
	var all []string
	for _, path := range paths {
		files, err := alertlog.Files(path)
		if err != nil {
			return nil, fmt.Errorf("finding the event log: %w", err)
		}
		all = append(all, files...)
	}
	return all, nil
}

// writeExport writes the archive, whole or not at all.
func writeExport(command *cobra.Command, to string, options *bundle.Options) (*bundle.Manifest, error) {
	file, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", to, err)
	}
	buffered := bufio.NewWriterSize(file, 256<<10)
	manifest, err := bundle.Export(command.Context(), buffered, options)
	if err == nil {
		err = buffered.Flush()
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), to)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing %s: %w", to, err), os.Remove(file.Name()))
	}
	return manifest, nil
}

// printExport says what is in the archive.
func printExport(std streams, asJSON bool, to string, manifest *bundle.Manifest, counts alertlog.Counts, files int) error {
	text := fmt.Sprintf("%s: %d alerts, %d events, %d rules\nsigned by %s\n", to, manifest.Alerts, manifest.Events, manifest.Rules, manifest.Fingerprint)
	for _, one := range manifest.Notes {
		text += "  " + alert.Escape(one) + "\n"
	}
	if !std.terminal || asJSON {
		line, err := json.Marshal(manifest)
		if err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		text = string(line) + "\n"
	}
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return finishReading(std.err, counts, files)
}

// verifyFlags are the flags of alerts verify.
type verifyFlags struct {
	key     string
	maxSize string
	asJSON  bool
}

func alertsVerifyCommand(std streams) *cobra.Command {
	var flags verifyFlags
	command := &cobra.Command{
		Use:   "verify FILE.tar.gz",
		Short: "Check an archive of alerts: signature, digests, form",
		Long: `Check an archive that alerts export wrote, without unpacking it: that it was
signed, that no file was changed, added or removed since, and that its form is
that of an export, so that it can be unpacked safely.

With --key the signature has to be by that key. Without, the archive's own key
counts: then compare the fingerprint with what the host printed.`,
		Example: `  tripline alerts verify host7.tar.gz --key host7.pub`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("verify needs one FILE.tar.gz; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error { return verify(command, std, &flags, args[0]) },
	}
	set := command.Flags()
	set.StringVar(&flags.key, "key", "", "the public key `FILE` of the host, export.pub of an archive that can be trusted")
	set.StringVar(&flags.maxSize, "max-size", "64GiB", "how large all files together may be (`SIZE`)")
	set.BoolVar(&flags.asJSON, "json", false, "print JSON also on a terminal")
	return command
}

func verify(command *cobra.Command, std streams, flags *verifyFlags, path string) error {
	var options bundle.VerifyOptions
	var size config.Size
	if err := size.UnmarshalText([]byte(flags.maxSize)); err != nil {
		return &usageError{fmt.Errorf("--max-size: %w", err)}
	}
	options.MaxBytes = int64(size)
	if flags.key != "" {
		key, err := bundle.LoadPublic(flags.key)
		if err != nil {
			return &usageError{fmt.Errorf("--key: %w", err)}
		}
		options.Key = key
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading an archive: %w", err)
	}
	found, err := bundle.Verify(command.Context(), file, options)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s is not to be trusted: %w", path, err)
	}
	return printVerified(std, flags.asJSON, path, found)
}

// printVerified says what a good archive is.
func printVerified(std streams, asJSON bool, path string, found *bundle.Verified) error {
	text := fmt.Sprintf("%s: whole, %d files, made %s by tripline %s\n%d alerts, %d events, %d rules\nsigned by %s",
		path, len(found.Files), found.Manifest.Made.UTC().Format(time.RFC3339), alert.Escape(found.Manifest.Version),
		found.Manifest.Alerts, found.Manifest.Events, found.Manifest.Rules, found.Fingerprint)
	if found.Trusted {
		text += ", the key that was asked for\n"
	} else {
		text += "\nwhich is the archive's own key: compare this with what the host printed, or use --key\n"
	}
	for _, one := range found.Manifest.Notes {
		text += "  " + alert.Escape(one) + "\n"
	}
	if !std.terminal || asJSON {
		line, err := json.Marshal(found)
		if err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		text = string(line) + "\n"
	}
	if _, err := fmt.Fprint(std.out, text); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return nil
}
