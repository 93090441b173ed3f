"""`python -m azureml_inference_server_http`."""

from azureml_inference_server_http.amlserver import main

if __name__ == "__main__":
    main()
