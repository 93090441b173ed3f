# From the days of azureml-core, as the first documentation of raw HTTP had it.
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    print("This is init()")


@rawhttp
def run(request: AMLRequest):
    print("This is run()")
    print("Request: [{0}]".format(request))
    if request.method == "GET":
        # For this example, just return the URL for GETs.
        respBody = str.encode(request.full_path)
        return AMLResponse(respBody, 200)
    elif request.method == "POST":
        reqBody = request.get_data(False)
        # For a real-world solution, you would load the data from reqBody and send it to the model.
        resp = AMLResponse(reqBody, 200)
        resp.headers["Allow"] = "OPTIONS, GET, POST"
        resp.headers["Access-Control-Allow-Origin"] = "http://www.example.com"
        return resp
    elif request.method == "OPTIONS":
        resp = AMLResponse("", 200)
        resp.headers["Allow"] = "OPTIONS, GET, POST"
        resp.headers["Access-Control-Allow-Methods"] = "OPTIONS, GET, POST"
        resp.headers["Access-Control-Allow-Origin"] = "http://www.example.com"
        resp.headers["Access-Control-Allow-Headers"] = "*"
        return resp
    else:
        return AMLResponse("bad request", 500)
