# table.jq: results.json, all lines as one array, to the table of targets. $objects: certificates in the full vault.

def median: sort | if length == 0 then null else .[length / 2 | floor] end;
def digits($n): if . == null then "" else . * pow(10; $n) + 0.5 | floor | . / pow(10; $n) | tostring end;
def of($who; $run): map(select(.of == $who and .run == $run and (has("skip") | not)));

def listed($field): map("\(.threads): \(.[$field] | digits(2))") | join(", ");
def verdict($holds): if $holds == null then "not measured" elif $holds then "yes" else "**no**" end;

# Ratios to raw OpenSSL. A busy machine disturbs the time, not the work per second of CPU.
def rate($what; $run; $target):
	of("podpis"; $run) as $ours | of("softhsm"; $run) as $theirs
	| { what: $what, target: "≥ \($target)", measured: ($ours | listed("ratio")),
	    note: ($ours | listed("cpu_ratio")), softhsm: ($theirs | listed("ratio")),
	    holds: (if ($ours | length) == 0 then "not measured"
	            elif ([$ours[].ratio] | min) >= $target then "yes"
	            elif ([$ours[] | [.ratio, .cpu_ratio] | max] | min) >= $target then "by CPU"
	            else "**no**" end) };

def limit($what; $target; $unit; $value; $theirs; $digits):
	{ what: $what, target: "≤ \($target) \($unit)", measured: ($value | digits($digits)), note: "",
	  softhsm: ($theirs | digits($digits)), holds: verdict(if $value == null then null else $value <= $target end) };

def gost($what; $target):
	(of("podpis"; "gost") | map(select(.nettle_ratio))) as $ours
	| { what: $what, target: "≥ \($target)", measured: "", softhsm: "",
	    note: ($ours | map("\(.set): \(.nettle_ratio | digits(2))") | join(", ")),
	    holds: verdict(if $ours == [] then null else ([$ours[].nettle_ratio] | min) >= $target end) };

# Time (p50) through our slot to the time without it, turn by turn.
def through($what; $run):
	of("softhsm"; "direct " + $run) as $direct | of("podpis"; "through " + $run) as $ours
	| ([$direct, $ours] | transpose | map(select(.[0] and .[1]) | .[1].p50_us / .[0].p50_us) | median) as $times
	| { what: $what, target: "≤ 1.02 ×", measured: ($times | digits(3)), note: "", softhsm: "",
	    holds: verdict(if $times == null then null else $times <= 1.02 end) };

def told($what; $value; $theirs): { what: $what, target: "", measured: $value, note: "", softhsm: $theirs, holds: "" };

# Lives in ms: the whole process, and what the module's functions take, both without the login.
def lives($who; $run): of($who; $run) | map(.p50_ms - .phases_us.login / 1000) | median;
def phases($who; $run): of($who; $run) | map((.phases_us | to_entries | map(select(.key != "login").value) | add) / 1000) | median;
def life($what; $run; f):
	f as $pair
	| { what: $what, target: "≤ 0.7 × SoftHSM", measured: ($pair[0] | digits(2)), note: "", softhsm: ($pair[1] | digits(2)),
	    holds: verdict(if $pair[0] == null or $pair[1] == null then null else $pair[0] <= 0.7 * $pair[1] end) }
	| if $pair[1] != null then .measured += " (\($pair[0] / $pair[1] | digits(2)) ×)" else . end;

. as $all
| (of("machine"; "machine")[0]) as $machine
| (of("podpis"; "objects")[0]) as $full | (of("softhsm"; "objects")[0]) as $theirs
| (of("podpis"; "fewer objects")[0]) as $fewer
| (of("podpis"; "cold among objects")[0]) as $among
| (of("podpis"; "restore")[0]) as $restore
| ($full | if . == null then null else (.rss_reinit_kb - .rss_before_kb) * 1024 / .objects end) as $ours_each
| ($theirs | if . == null then null else (.rss_reinit_kb - .rss_before_kb) * 1024 / .objects end) as $theirs_each
| [ rate("RSA-2048 signature, ratio to raw OpenSSL by threads"; "sign rsa-pkcs"; 0.95),
    rate("P-256 signature"; "sign ecdsa"; 0.95),
    rate("Ed25519 signature"; "sign eddsa"; 0.95),
    gost("GOST signature, ratio to raw nettle by curve"; 0.9),
    through("token slot, time to the inner module's own: RSA-2048"; "rsa-pkcs"),
    through("P-256"; "ecdsa"),
    rate("SHA-256 of 64 KiB"; "digest"; 0.95),
    rate("32 random bytes"; "random"; 0.95),
    life("cold life with RSA, ms, login left out"; "cold rsa-pkcs"; [lives("podpis"; "cold rsa-pkcs"), lives("softhsm"; "cold rsa-pkcs")]),
    life("the module's part of it"; "cold rsa-pkcs"; [phases("podpis"; "cold rsa-pkcs"), phases("softhsm"; "cold rsa-pkcs")]),
    life("cold life with P-256, ms, login left out"; "cold ecdsa"; [lives("podpis"; "cold ecdsa"), lives("softhsm"; "cold ecdsa")]),
    life("the module's part of it"; "cold ecdsa"; [phases("podpis"; "cold ecdsa"), phases("softhsm"; "cold ecdsa")]),
    limit("\($objects) certificates: C_Initialize"; 20; "ms"; $full.initialize_ms; $theirs.initialize_ms; 2),
    limit("C_Initialize to the open session, in a new process"; 20; "ms";
        ($among | if . == null then null else (.phases_us | .initialize + .slots + .open) / 1000 end); null; 2),
    limit("find by CKA_ID"; 0.1; "ms"; $full.find_id_ms; $theirs.find_id_ms; 3),
    limit("create one"; 3; "ms"; ($full | if . == null then null else .create_us_each / 1000 end); ($theirs.create_us_each / 1000); 2),
    limit("restore all"; 2000; "ms"; $restore.restore_ms; null; 0),
    limit("memory for each, its value included"; 2048; "bytes"; $ours_each; $theirs_each; 0),
    told("open a session and log in, ms"; $full.open_login_ms | digits(1); $theirs.open_login_ms | digits(1)),
    told("find by CKA_LABEL, ms"; $full.find_label_ms | digits(3); $theirs.find_label_ms | digits(3)),
    told("find all by CKA_CLASS, ms"; $full.find_class_ms | digits(2); $theirs.find_class_ms | digits(2)),
    told("CKA_VALUE of all, ms"; $full.getvalue_all_ms | digits(2); $theirs.getvalue_all_ms | digits(2)),
    told("destroy one of \($fewer.objects), ms"; ($fewer.destroy_ms / $fewer.objects) | digits(2); ""),
    told("login alone, ms"; of("podpis"; "login")[0].login_us / 1000 | digits(1); of("softhsm"; "login")[0].login_us / 1000 | digits(1)),
    told("sessions opened and closed, thousands a second by threads";
        of("podpis"; "session") | map("\(.threads): \(.ops_s / 1000 | digits(0))") | join(", ");
        of("softhsm"; "session") | map("\(.threads): \(.ops_s / 1000 | digits(0))") | join(", ")),
    told("system calls of a cold life (those that wait for the disk)";
        of("podpis"; "system calls")[0] | "\(.calls) (\(.syncs))"; of("softhsm"; "system calls")[0] | "\(.calls) (\(.syncs))"),
    told("resident after a cold life, MB"; of("podpis"; "cold ecdsa")[0].maxrss_kb / 1024 | digits(1);
        of("softhsm"; "cold ecdsa")[0].maxrss_kb / 1024 | digits(1)),
    told("P-256 signature, p99, µs: undisturbed, beside a writer";
        "\(of("podpis"; "undisturbed")[0].p99_us | digits(0)), \(of("podpis"; "beside a writer")[0].p99_us | digits(0))"; ""),
    told("size of the module, stripped, KB"; $machine.module_bytes / 1024 | digits(0); "") ]
| "Podpis \($machine.version), \($machine.date): \($machine.cores) × \($machine.cpu), Linux \($machine.kernel), OpenSSL \($machine.openssl), SoftHSM \($machine.softhsm), \($machine.filesystem); load \($machine.load[0]) before, \($machine.load[1]) after.",
  "",
  "| what | target | measured | the same per second of CPU | SoftHSM | holds |",
  "|---|---|---|---|---|---|",
  (.[] | "| \(.what) | \(.target) | \(.measured) | \(.note) | \(.softhsm) | \(.holds) |")
