# lib.sh: sourced by every application's test: a person with a certificate that the flow obtained, at a workplace that
# `podpis setup` made; on top of the scenarios' lib.sh.
#
# From the environment: PODPIS_STORE, where the certificate is: vault, token (SoftHSM behind a token slot) or cloud (a
# signing service, 100 ms away). All but the vault's take their time and need PODPIS_FULL.
# shellcheck shell=sh
# shellcheck source=tests/scenarios/lib.sh
. "$(dirname "$0")/../scenarios/lib.sh"

store=${PODPIS_STORE:-vault}
[ "$store" = vault ] || [ -n "${PODPIS_FULL:-}" ] || exit 77
module=$(realpath "$module")
softhsm=/usr/lib/softhsm/libsofthsm2.so

# needs COMMAND...: what runs this test; without one it is skipped.
needs() {
	for command in "$@"; do
		command -v "$command" >/dev/null || {
			echo "no $command: skipped"
			exit 77
		}
	done
}

# person "$@": p11-kit ignores root's own configuration, so root is nobody from here on. First of all.
person() {
	[ "$(id -u)" -eq 0 ] || return 0
	nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
	# shellcheck disable=SC2016 # expanded by the inner shell
	$nobody sh -c '[ -r "$1" ] && [ -r "$2" ] && [ -w "$3" ]' sh "$module" "$0" "${TMPDIR:-/tmp}" || {
		echo "$PODPIS_BUILD is not for everybody to read: skipped"
		exit 77
	}
	trap - EXIT
	rm -rf "$work"
	exec $nobody "$0" "$@"
}

# free_port: one that nobody listens on now. Whoever is given it tries another when somebody was faster.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# issued KIND: ivanov has a certificate for a key of that kind (rsa:2048, ec:P-256) in $store. Then
#   uri     names the key (RFC 7512; its id is that of certificate and public key, too)
#   token   the token's label, as applications show it; id: CKA_ID, in hexadecimal; label: the certificate's CKA_LABEL
#   PIN     the token's (exported), also the first line of $pin_file
#   $work/certificate.pem, $anchor (the authority's root, PEM), $work/authority.pem (root and issuer)
issued() {
	employee_key=$1
	case $store in
	vault)
		sandbox_start
		employed
		application=$first
		pin_file=$HOME/pin
		;;
	token)
		[ -f "$softhsm" ] || exit 77
		sandbox_start
		employed
		softhsm_folder
		pin_file=$HOME/card-pin
		private "$pin_file" '73915'
		softhsm2-util --init-token --free --label card --pin 73915 --so-pin 735191 >"$work/out"
		printf '\n[slot token]\nstore = token\nmodule = %s\ntoken = pkcs11:token=card\n' "$softhsm" \
			>>"$XDG_CONFIG_HOME/podpis/podpis.conf"
		obtained token
		;;
	cloud)
		sandbox_start --latency-ms 100
		employed
		cloud_slot
		obtained cloud
		;;
	esac
	described
}

# issued_also KIND: a second certificate of his, in the same place; the variables are then the second's.
issued_also() {
	employee_key=$1
	case $store in vault) obtained ivanov ;; *) obtained "$store" ;; esac
	described
}

# obtained SLOT: into that slot, signed for with the signature in the vault. In the cloud the authority makes the key,
# and tells its PIN in a letter.
obtained() {
	[ "$store" = cloud ] || set -- "$1" --pin-file "$pin_file"
	slot=$1
	shift
	podpis apply --authority centre --slot "$slot" --data "$(account ivanov data)" --identification signature \
		--key "$employee_key" --signer "$signer" --signer-pin-file "$HOME/pin" "$@"
	application=$(newest)
	podpis obtain "$application" --wait --signer-pin-file "$HOME/pin" "$@"
	[ "$(state "$application")" = installed ] || fail "after obtain: $(state "$application")"
	[ "$store" != cloud ] || {
		pin_file=$HOME/pin-$application
		private "$pin_file" "$(cat "$work/sandbox/pins/$(podpis show "$application" --json | jq -er .authority_id)")"
	}
}

# described: the variables, of $application.
described() {
	uri=$(podpis show "$application" --json | jq -er .key)
	token=$(python3 -c '
import sys, urllib.parse
print(next(urllib.parse.unquote(a[6:]) for a in sys.argv[1].split(":", 1)[1].split(";") if a.startswith("token=")))' "$uri")
	id=$(key_id "$application" | tr A-F a-f)
	PIN=$(cat "$pin_file")
	export PIN
	pkcs11-tool --module "$module" --token-label "$token" --read-object --type cert --id "$id" \
		-o "$work/certificate.der" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
	openssl x509 -inform DER -in "$work/certificate.der" -out "$work/certificate.pem"
	cp "$anchor" "$work/authority.pem"
	for other in $(listed | awk '{ print $1 }'); do
		pkcs11-tool --module "$module" --token-label "$token" --read-object --type cert --id "$other" \
			-o "$work/other.der" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
		! openssl x509 -inform DER -in "$work/other.der" -noout -ext basicConstraints 2>/dev/null | grep -q CA:TRUE ||
			openssl x509 -inform DER -in "$work/other.der" >>"$work/authority.pem"
	done
	label=$(listed | sed -n "s/^$id //p")
	[ -n "$label" ] || fail "the certificate has no label"
}

# listed: the token's certificates, a line each: CKA_ID in hexadecimal, CKA_LABEL.
listed() {
	pkcs11-tool --module "$module" --token-label "$token" -O --type cert 2>/dev/null |
		awk -F': +' '/^  label:/ { label = $2 } /^  ID:/ { print tolower($2), label }'
}

# site_start: an HTTPS site on loopback that wants a client's certificate, and knows the authority's root;
# $site_trusts names another file, for clients that send no chain. $site is its address, $work/site-ca.pem whom to trust for it. Its page says, in one line, who came: "hello SHA-1 DN PROTOCOL".
site_start() {
	needs nginx
	protocols=${site_protocols:-TLSv1.2 TLSv1.3}
	site=$work/site
	mkdir "$site"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=Site CA' \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
		-keyout "$site/ca.key" -out "$work/site-ca.pem" 2>/dev/null
	printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth \
		subjectAltName=DNS:localhost,IP:127.0.0.1 subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >"$site/extensions"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
		-keyout "$site/key.pem" 2>/dev/null | openssl x509 -req -CA "$work/site-ca.pem" -CAkey "$site/ca.key" \
		-CAcreateserial -days 30 -extfile "$site/extensions" -out "$site/certificate.pem" 2>/dev/null
	for _ in 1 2 3 4 5; do
		site_port=$(free_port)
		site_configuration >"$site/nginx.conf"
		nginx -c "$site/nginx.conf" -e "$site/error.log" >"$site/out" 2>&1 &
		server=$!
		for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			! curl -s --noproxy '*' --cacert "$work/site-ca.pem" "https://localhost:$site_port/" >/dev/null || break 2
			kill -0 "$server" 2>/dev/null || continue 2
			sleep 0.1
		done
	done
	kill -0 "$server" 2>/dev/null || fail "no site: $(cat "$site/out" "$site/error.log")"
	servers="$servers $server"
	site=https://localhost:$site_port/
}

site_configuration() {
	cat <<-END
		daemon off;
		master_process off;
		pid $site/pid;
		error_log $site/error.log info;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path $site/body;
			proxy_temp_path $site/proxy;
			fastcgi_temp_path $site/fastcgi;
			uwsgi_temp_path $site/uwsgi;
			scgi_temp_path $site/scgi;
			server {
				listen 127.0.0.1:$site_port ssl;
				ssl_certificate $site/certificate.pem;
				ssl_certificate_key $site/key.pem;
				ssl_protocols $protocols;
				ssl_verify_client on;
				ssl_verify_depth 5;
				ssl_client_certificate ${site_trusts:-$anchor};
				location / {
					default_type text/plain;
					return 200 "hello \$ssl_client_fingerprint \$ssl_protocol \$ssl_client_s_dn\n";
				}
			}
		}
	END
}

# greeted COMMAND...: which gets the site's page, and is known there by the certificate.
greeted() {
	"$@" >"$work/page" 2>"$work/err" </dev/null || fail "$(cat "$work/page" "$work/err")"
	grep -q "^hello $(fingerprint) " "$work/page" || fail "$(cat "$work/page" "$work/err")"
}

# quietly COMMAND...: what it prints is in $work/out, and is shown if it fails.
quietly() {
	"$@" >"$work/out" 2>&1 </dev/null || fail "$*: $(cat "$work/out")"
}

# refused COMMAND...: the same for one that has to fail.
refused() {
	! "$@" >"$work/out" 2>&1 </dev/null || fail "done all the same: $*: $(cat "$work/out")"
}

# printed TEXT: the last of them printed that.
printed() {
	grep -qF -- "$1" "$work/out" || fail "nothing said of $1: $(cat "$work/out")"
}

# fingerprint: as the site says it: SHA-1 in lower case.
fingerprint() {
	openssl x509 -in "$work/certificate.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | tr A-F a-f
}

# common_name: whose certificate it is.
common_name() {
	openssl x509 -in "$work/certificate.pem" -noout -subject -nameopt multiline,utf8,-esc_msb |
		sed -n 's/^ *commonName *= //p'
}
