#!/usr/bin/env python3
"""A FRITZ!Box as far as its hosts go: TR-064 with digest authentication.

Usage: fritzbox.py PORT USER PASSWORD HOSTS.xml
The list of hosts is read anew for each call.  `fritzconnection` from PyPI takes
this for a box:

    FritzHosts(address="127.0.0.1", port=PORT, user=USER, password=PASSWORD).get_hosts_attributes()
"""
import hashlib
import http.server
import re
import secrets
import sys

PORT, USER, PASSWORD, HOSTS = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
REALM = "HTTPS Access"
SERVICE = "urn:dslforum-org:service:Hosts:1"
ACTION = "X_AVM-DE_GetHostListPath"
NONCES, SIDS = set(), set()

DESCRIPTION = f"""<?xml version="1.0"?>
<root xmlns="urn:dslforum-org:device-1-0">
<specVersion><major>1</major><minor>0</minor></specVersion>
<systemVersion><HW>226</HW><Major>154</Major><Minor>7</Minor><Patch>57</Patch><Buildnumber>105459</Buildnumber>
<Display>154.07.57</Display></systemVersion>
<device><deviceType>urn:dslforum-org:device:InternetGatewayDevice:1</deviceType>
<friendlyName>FRITZ!Box 7590</friendlyName><manufacturer>AVM</manufacturer><manufacturerURL>www.avm.de</manufacturerURL>
<modelDescription>FRITZ!Box 7590</modelDescription><modelName>FRITZ!Box 7590</modelName><modelNumber>avm</modelNumber>
<modelURL>www.avm.de</modelURL><UDN>uuid:00000000-0000-0000-0000-000000000000</UDN>
<serviceList><service><serviceType>{SERVICE}</serviceType><serviceId>urn:LanDeviceHosts-com:serviceId:Hosts1</serviceId>
<controlURL>/upnp/control/hosts</controlURL><eventSubURL>/upnp/control/hosts</eventSubURL><SCPDURL>/hostsSCPD.xml</SCPDURL>
</service></serviceList></device></root>"""

ACTIONS = f"""<?xml version="1.0"?>
<scpd xmlns="urn:dslforum-org:service-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<actionList><action><name>{ACTION}</name><argumentList><argument><name>NewX_AVM-DE_HostListPath</name>
<direction>out</direction><relatedStateVariable>X_AVM-DE_HostListPath</relatedStateVariable></argument></argumentList>
</action></actionList>
<serviceStateTable><stateVariable sendEvents="no"><name>X_AVM-DE_HostListPath</name><dataType>string</dataType>
</stateVariable></serviceStateTable></scpd>"""


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Box(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "FRITZ!Box"

    def reply(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", 'text/xml; charset="utf-8"')
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/tr64desc.xml":
            self.reply(200, DESCRIPTION)
        elif path == "/hostsSCPD.xml":
            self.reply(200, ACTIONS)
        elif path == "/devicehostlist.lua" and query.removeprefix("sid=") in SIDS:
            with open(HOSTS, encoding="utf-8") as hosts:
                self.reply(200, hosts.read())
        else:
            self.reply(404, "<error/>")

    def is_proven(self):
        sent = self.headers.get("Authorization", "")
        if not sent.startswith("Digest "):
            return False
        field = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^ ,]+)', sent)}
        if field.get("username") != USER or field.get("nonce") not in NONCES or field.get("uri") != self.path:
            return False
        who, what = md5(f"{USER}:{REALM}:{PASSWORD}"), md5(f"{self.command}:{self.path}")
        proof = md5(f"{who}:{field['nonce']}:{field['nc']}:{field['cnonce']}:{field['qop']}:{what}")
        return secrets.compare_digest(proof, field.get("response", ""))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if not self.is_proven():
            nonce = secrets.token_hex(8).upper()
            NONCES.add(nonce)
            challenge = f'Digest realm="{REALM}",nonce="{nonce}",algorithm=MD5,qop="auth"'
            self.reply(401, "<html/>", WWW_Authenticate=challenge)
        elif self.headers.get("SOAPAction", "").strip('"') != f"{SERVICE}#{ACTION}" or f"u:{ACTION}" not in body:
            self.reply(500, "<s:Fault/>")
        else:
            sid = secrets.token_hex(8)
            SIDS.add(sid)
            self.reply(200, f"""<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
<s:Body><u:{ACTION}Response xmlns:u="{SERVICE}">
<NewX_AVM-DE_HostListPath>/devicehostlist.lua?sid={sid}</NewX_AVM-DE_HostListPath>
</u:{ACTION}Response></s:Body></s:Envelope>""")

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Box).serve_forever()
