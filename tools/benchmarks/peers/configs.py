"""The configuration files of nginx and LiteLLM."""

from pathlib import Path

LITELLM_KEY = "sk-bench"


def nginx(port: int, upstream_port: int, folder: Path) -> str:
    """Returns a configuration with one worker, keep-alive connections to the model server and no access log."""
    return f"""
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    upstream model {{ server 127.0.0.1:{upstream_port}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://model;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def litellm(model_url: str) -> str:
    """Returns a configuration with a pass-through endpoint and a required API key.

    https://docs.litellm.ai/docs/proxy/pass_through
    """
    return f"""
general_settings:
  master_key: {LITELLM_KEY}
  pass_through_endpoints:
    - path: /predict
      target: {model_url}/api/v1/predict
"""
